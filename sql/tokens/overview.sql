-- Counts the valid tokens, and lists those that expire soon.
-- params: soon (interval), row_limit (of the names)
-- index: none; the table is small
-- locks: none
-- returns: one row: valid (how many), next_expiry (NULL: none expires), expiring (how many expire
-- soon) and names (of the first of these, by expiry; NULL: none)
WITH expiring AS (
    SELECT
        name,
        expires_at
    FROM api_tokens
    WHERE
        revoked_at IS NULL
        AND expires_at > now()
        AND expires_at < now() + %(soon)s::interval
    ORDER BY expires_at, name
    LIMIT %(row_limit)s
)

SELECT
    count(*) AS valid,
    min(expires_at) AS next_expiry,
    count(*) FILTER (WHERE expires_at < now() + %(soon)s::interval) AS expiring,
    (
        SELECT array_agg(expiring.name ORDER BY expiring.expires_at, expiring.name)
        FROM expiring
    ) AS names
FROM api_tokens
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());
