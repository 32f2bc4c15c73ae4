-- Lets the overview add up the runs of agents from an index alone: it holds state and duration too.
-- It takes the place and the name of the index without them. Writers continue while it is built. It
-- first removes what an interrupted attempt left.
-- depends: 0003_runs_table
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_agent_name_durations;

CREATE INDEX CONCURRENTLY ix_agent_runs_agent_name_durations
ON agent_runs (agent_name, created_at DESC, event_id DESC) INCLUDE (status, duration_ms);

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_agent_name_newest;

ALTER INDEX ix_agent_runs_agent_name_durations RENAME TO ix_agent_runs_agent_name_newest;

COMMENT ON INDEX ix_agent_runs_agent_name_newest IS
'sql/runs/list.sql by agent, the names in sql/runs/metadata.sql, and sql/pages/agents.sql, which '
'reads state and duration from the index alone';
