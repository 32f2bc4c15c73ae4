SET LOCAL lock_timeout = '5s';

DROP INDEX ix_agent_runs_agent_name_newest;

CREATE INDEX ix_agent_runs_agent_name_newest
ON agent_runs (agent_name, created_at DESC, event_id DESC);

COMMENT ON INDEX ix_agent_runs_agent_name_newest IS
'sql/runs/list.sql by agent, and the names in sql/runs/metadata.sql';

DROP FUNCTION run_duration_ms(bigint, timestamptz, timestamptz);
