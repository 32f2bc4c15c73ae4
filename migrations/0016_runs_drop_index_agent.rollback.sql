-- Writers wait while the index is built, twice: the first time to learn what would be lost.
SET LOCAL lock_timeout = '5s';

CREATE INDEX ix_agent_runs_agent_name_status_created_at
ON agent_runs (agent_name, status, created_at DESC);
COMMENT ON INDEX ix_agent_runs_agent_name_status_created_at IS
'sql/runs/query_by_agent.sql, and the names in sql/runs/metadata.sql';
