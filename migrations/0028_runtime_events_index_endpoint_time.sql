-- An index that finds the events of one endpoint in a window. It replaces the index of the endpoint
-- alone, whose searches it serves too. Writers continue while it is built. It first removes what an
-- interrupted attempt left.
-- depends: 0005_runtime_events_table
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS ix_runtime_events_endpoint_recorded_at;

CREATE INDEX CONCURRENTLY ix_runtime_events_endpoint_recorded_at
ON runtime_events (left(endpoint, 500) COLLATE "C", recorded_at DESC);

COMMENT ON INDEX ix_runtime_events_endpoint_recorded_at IS
'sql/pages/endpoint_over_time.sql and sql/pages/endpoint.sql: one endpoint in a window; '
'sql/runtime_events/list.sql by a prefix of the endpoint that few events have';

DROP INDEX CONCURRENTLY IF EXISTS ix_runtime_events_endpoint;
