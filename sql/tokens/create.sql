-- Creates a token, unless too many are valid: every process keeps all of them in memory.
-- params: name, hash (bytea), scopes, tenants, agents (arrays; NULL: not bound), expires_at (NULL:
-- never), most (how many may be valid)
-- index: api_tokens_pkey refuses a name that exists
-- locks: the new row
-- returns: name; no row: too many tokens are valid
INSERT INTO api_tokens (name, hash, scopes, tenants, agents, expires_at)
SELECT
    %(name)s,
    %(hash)s,
    %(scopes)s::text[],
    %(tenants)s::text[],
    %(agents)s::text[],
    %(expires_at)s::timestamptz
WHERE
    (
        SELECT count(*) FROM api_tokens
        WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
    ) < %(most)s
RETURNING name;
