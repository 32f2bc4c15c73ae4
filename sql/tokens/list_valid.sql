-- Lists the tokens that are valid, for the memory of a process. create.sql keeps them few.
-- params: none
-- index: none; the table is small
-- locks: none
-- returns: name, hash, scopes, tenants, agents and seconds_left (NULL: it never expires)
SELECT
    name,
    hash,
    scopes,
    tenants,
    agents,
    extract(EPOCH FROM expires_at - now())::double precision AS seconds_left
FROM api_tokens
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());
