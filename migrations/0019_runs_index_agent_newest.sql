-- An index that finds an agent's runs of any status, newest first, in the order of a page: a page
-- costs the runs on it, where 0015_runs_index_agent has to be asked for each status, and then for
-- the runs by their keys. Writers go on meanwhile; what a broken attempt left behind is cleared
-- away first.
-- depends: 0015_runs_index_agent
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_agent_name_newest;

CREATE INDEX CONCURRENTLY ix_agent_runs_agent_name_newest
ON agent_runs (agent_name, created_at DESC, event_id DESC);

COMMENT ON INDEX ix_agent_runs_agent_name_newest IS
'sql/runs/query.sql by agent, and the names in sql/runs/metadata.sql';
COMMENT ON INDEX ix_agent_runs_agent_name_status_newest IS
'sql/runs/query.sql by agent and status';
