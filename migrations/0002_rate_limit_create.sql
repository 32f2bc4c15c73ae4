-- The hits of each client in the last minute, shared by all worker processes.
-- UNLOGGED: losing it in a crash forgives one minute of hits, and saves every hit its WAL.
-- depends: 0001_migrations_create

SET LOCAL lock_timeout = '5s';

CREATE UNLOGGED TABLE rate_limit_clients (
    client text PRIMARY KEY,
    ticks bigint[] NOT NULL,
    hits integer[] NOT NULL,
    last_hit_at timestamptz NOT NULL,
    CONSTRAINT rate_limit_clients_pairs CHECK (cardinality(ticks) = cardinality(hits))
);

COMMENT ON TABLE rate_limit_clients IS
'Sliding one-minute window of requests by client; cleans itself, may be truncated at any time';
COMMENT ON COLUMN rate_limit_clients.client IS 'IP address of the client';
COMMENT ON COLUMN rate_limit_clients.ticks IS
'Moments of the window with hits, in ticks of 60 ms since 1970: at most 1,000 whatever the limit';
COMMENT ON COLUMN rate_limit_clients.hits IS 'Number of hits in the tick of the same position';
COMMENT ON COLUMN rate_limit_clients.last_hit_at IS 'Rows that are a minute old are cleaned away';

CREATE INDEX ix_rate_limit_clients_last_hit_at ON rate_limit_clients (last_hit_at);
