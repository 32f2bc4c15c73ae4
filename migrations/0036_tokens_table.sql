-- Tokens of the API besides that of the environment. Only their hashes are stored.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

CREATE TABLE api_tokens (
    name text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    tenants text[],
    agents text[],
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (name),
    CONSTRAINT api_tokens_hash_key UNIQUE (hash),
    CONSTRAINT api_tokens_name_check CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
    CONSTRAINT api_tokens_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT api_tokens_scopes_check
    CHECK (
        cardinality(scopes) > 0
        AND array_position(scopes, NULL) IS NULL
        AND scopes <@ ARRAY[
            'runs:write',
            'runs:read',
            'events:write',
            'events:read',
            'audio:write',
            'audio:read',
            'admin'
        ]
    ),
    CONSTRAINT api_tokens_tenants_check
    CHECK (cardinality(tenants) > 0 AND array_position(tenants, NULL) IS NULL),
    CONSTRAINT api_tokens_agents_check
    CHECK (cardinality(agents) > 0 AND array_position(agents, NULL) IS NULL),
    CONSTRAINT api_tokens_admin_check
    CHECK (NOT ('admin' = any(scopes) AND (tenants IS NOT NULL OR agents IS NOT NULL)))
);

COMMENT ON TABLE api_tokens IS
'Tokens of the API. A row stays when its token is revoked, so that its name in logs keeps its '
'meaning';
COMMENT ON COLUMN api_tokens.name IS 'Names the token in logs; never used again';
COMMENT ON COLUMN api_tokens.hash IS
'SHA-256 of the token. A token has 256 random bits, so no list of guesses can find it';
COMMENT ON COLUMN api_tokens.scopes IS 'What the token may do';
COMMENT ON COLUMN api_tokens.tenants IS 'The tenants that it is bound to; NULL: to none';
COMMENT ON COLUMN api_tokens.agents IS 'The agents that it is bound to; NULL: to none';
COMMENT ON COLUMN api_tokens.created_at IS 'When the token was created';
COMMENT ON COLUMN api_tokens.expires_at IS 'From then on it is not valid; NULL: it never expires';
COMMENT ON COLUMN api_tokens.revoked_at IS 'When it was revoked; NULL: it was not';
COMMENT ON COLUMN api_tokens.last_used_at IS
'Last use, up to five minutes late. No request waits for it, so it can be missing';
COMMENT ON INDEX api_tokens_pkey IS
'sql/tokens/create.sql, sql/tokens/revoke.sql and sql/tokens/note_use.sql';
COMMENT ON CONSTRAINT api_tokens_hash_key ON api_tokens IS 'No two names have the same token';
COMMENT ON INDEX api_tokens_hash_key IS 'Refuses the same token under two names';
COMMENT ON CONSTRAINT api_tokens_admin_check ON api_tokens IS
'A token that may do everything cannot be bound';
