-- Names the statements of pages in the comments of the indexes that serve them.
-- depends: 0029_runs_index_agent_durations

SET LOCAL lock_timeout = '5s';

COMMENT ON INDEX ix_agent_runs_status_created_at IS
'sql/runs/list.sql by status; counts and failures of a window in sql/pages/states_over_time.sql, '
'sql/pages/running.sql, sql/pages/failures.sql and sql/pages/same_error.sql';

COMMENT ON INDEX ix_agent_runs_agent_name_status_newest IS
'sql/runs/list.sql by agent and status; sql/pages/states_over_time.sql, sql/pages/running.sql and '
'sql/pages/failures.sql by agent';

COMMENT ON INDEX ix_agent_runs_parent_run_id_created_at IS
'sql/runs/list.sql by parent; siblings and children in sql/pages/family.sql';

COMMENT ON INDEX ix_agent_runs_run_id IS
'sql/runs/list.sql by run_id; the parent in sql/pages/family.sql';
