-- Lists tokens for a person: the valid ones first, then the newest of the others.
-- params: row_limit
-- index: none; the table is small
-- locks: none
-- returns: name, scopes, tenants, agents, created_at, expires_at, revoked_at, last_used_at and
-- state (valid, expired or revoked)
SELECT
    name,
    scopes,
    tenants,
    agents,
    created_at,
    expires_at,
    revoked_at,
    last_used_at,
    CASE
        WHEN revoked_at IS NOT NULL THEN 'revoked'
        WHEN expires_at <= now() THEN 'expired'
        ELSE 'valid'
    END AS state
FROM api_tokens
ORDER BY
    (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())) DESC,
    created_at DESC,
    name ASC
LIMIT %(row_limit)s;
