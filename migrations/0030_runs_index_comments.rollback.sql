SET LOCAL lock_timeout = '5s';

COMMENT ON INDEX ix_agent_runs_status_created_at IS 'sql/runs/list.sql by status';

COMMENT ON INDEX ix_agent_runs_agent_name_status_newest IS 'sql/runs/list.sql by agent and status';

COMMENT ON INDEX ix_agent_runs_parent_run_id_created_at IS 'sql/runs/list.sql by parent';

COMMENT ON INDEX ix_agent_runs_run_id IS 'sql/runs/list.sql by run_id';
