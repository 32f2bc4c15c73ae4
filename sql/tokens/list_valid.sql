-- Lists the tokens that are valid, for the memory of a process. create.sql keeps them few. Also the
-- hundred that ended last, so that the log can say why one is refused.
-- params: none
-- index: none; the table is small
-- locks: none
-- returns: name, hash, scopes, tenants, agents, seconds_left (NULL: it never expires; 0 or less: it
-- has ended) and is_revoked
SELECT
    name,
    hash,
    scopes,
    tenants,
    agents,
    extract(EPOCH FROM expires_at - now())::double precision AS seconds_left,
    FALSE AS is_revoked
FROM api_tokens
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
UNION ALL
(
    SELECT
        name,
        hash,
        scopes,
        tenants,
        agents,
        0 AS seconds_left,
        revoked_at IS NOT NULL AS is_revoked
    FROM api_tokens
    WHERE revoked_at IS NOT NULL OR expires_at <= now()
    ORDER BY least(revoked_at, expires_at) DESC
    LIMIT 100
);
