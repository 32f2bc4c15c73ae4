-- An index that finds an agent's runs of any status, newest first: a page costs the runs on it,
-- where 0015_runs_index_agent has to be asked for each status, and then for the runs by their keys.
-- Writers go on meanwhile; what a broken attempt left behind is cleared away first.
-- depends: 0003_runs_create
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_agent_name_created_at;

CREATE INDEX CONCURRENTLY ix_agent_runs_agent_name_created_at
ON agent_runs (agent_name, created_at DESC);

COMMENT ON INDEX ix_agent_runs_agent_name_created_at IS
'sql/runs/query.sql by agent, and the names in sql/runs/metadata.sql';
COMMENT ON INDEX ix_agent_runs_agent_name_status_newest IS
'sql/runs/query.sql by agent and status';
