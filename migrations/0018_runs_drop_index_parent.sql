-- The index that 0017_runs_index_parent replaces.
-- depends: 0017_runs_index_parent

SET LOCAL lock_timeout = '5s';

DROP INDEX ix_agent_runs_parent_run_id;
