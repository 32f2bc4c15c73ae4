-- An index with the key of a run behind its time: a page of an agent's runs is found in the index
-- alone, and only the runs on it are read. Writers go on meanwhile; what a broken attempt left
-- behind is cleared away first.
-- depends: 0003_runs_create
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_agent_name_status_newest;

CREATE INDEX CONCURRENTLY ix_agent_runs_agent_name_status_newest
ON agent_runs (agent_name, status, created_at DESC, event_id DESC);

COMMENT ON INDEX ix_agent_runs_agent_name_status_newest IS
'sql/runs/query_by_agent.sql, and the names in sql/runs/metadata.sql';
