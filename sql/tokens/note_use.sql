-- Notes that tokens are in use, where that is not known of the last minutes. SKIP LOCKED: another
-- process notes the same.
-- params: names (array), apart (interval between two notes about a token)
-- index: api_tokens_pkey
-- locks: the rows that it changes
-- returns: the name of each row that it changed
UPDATE api_tokens
SET last_used_at = now()
WHERE
    name IN (
        SELECT name FROM api_tokens
        WHERE
            name = any(%(names)s::text[])
            AND (last_used_at IS NULL OR last_used_at < now() - %(apart)s::interval)
        FOR UPDATE SKIP LOCKED
    )
RETURNING name;
