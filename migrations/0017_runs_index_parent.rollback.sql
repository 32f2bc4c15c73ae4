SET LOCAL lock_timeout = '5s';

DROP INDEX ix_agent_runs_parent_run_id_created_at;
