-- The index that 0015_runs_index_agent replaces.
-- depends: 0015_runs_index_agent

SET LOCAL lock_timeout = '5s';

DROP INDEX ix_agent_runs_agent_name_status_created_at;
