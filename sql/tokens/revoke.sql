-- Revokes a token. A token that is revoked keeps the time when that happened.
-- params: name
-- index: api_tokens_pkey
-- locks: the token's row
-- returns: revoked_at, and newly (whether it was valid until then); no row: no token has the name
UPDATE api_tokens
SET revoked_at = coalesce(revoked_at, now())
WHERE name = %(name)s
RETURNING
    revoked_at,
    revoked_at = now() AS newly;
