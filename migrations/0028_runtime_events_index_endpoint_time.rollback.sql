SET LOCAL lock_timeout = '5s';

CREATE INDEX ix_runtime_events_endpoint
ON runtime_events (left(endpoint, 500) COLLATE "C");

COMMENT ON INDEX ix_runtime_events_endpoint IS
'sql/runtime_events/list.sql by a prefix of the endpoint that few events have';

DROP INDEX ix_runtime_events_endpoint_recorded_at;
