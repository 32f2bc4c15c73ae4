-- The requests of each client in the last minute, shared by all worker processes.
-- UNLOGGED: a hit writes no WAL. A crash empties the table, which forgives one minute of hits.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

CREATE UNLOGGED TABLE rate_limit_clients (
    client text NOT NULL,
    ticks bigint[] NOT NULL,
    hits integer[] NOT NULL,
    last_hit_at timestamptz NOT NULL,
    CONSTRAINT rate_limit_clients_pkey PRIMARY KEY (client),
    CONSTRAINT rate_limit_clients_pairs CHECK (cardinality(ticks) = cardinality(hits))
);

COMMENT ON TABLE rate_limit_clients IS
'Sliding one-minute window of requests per client; may be truncated at any time';
COMMENT ON COLUMN rate_limit_clients.client IS 'IP address of the client';
COMMENT ON COLUMN rate_limit_clients.ticks IS
'Time of the latest hit in each 60 ms that has hits, in microseconds since 1970; a minute has at '
'most 1,001, however high the limit is';
COMMENT ON COLUMN rate_limit_clients.hits IS
'Number of hits in the 60 ms of the tick at the same position';
COMMENT ON COLUMN rate_limit_clients.last_hit_at IS
'sql/rate_limit/hit.sql deletes rows for which this is more than a minute ago';

CREATE INDEX ix_rate_limit_clients_last_hit_at ON rate_limit_clients (last_hit_at);
COMMENT ON INDEX ix_rate_limit_clients_last_hit_at IS
'sql/rate_limit/hit.sql: finds the rows to delete';
