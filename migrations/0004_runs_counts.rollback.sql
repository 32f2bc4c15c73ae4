SET LOCAL lock_timeout = '5s';

DROP TRIGGER count_inserted ON agent_runs;

DROP TRIGGER count_deleted ON agent_runs;

DROP TRIGGER count_moved ON agent_runs;

DROP TRIGGER count_truncated ON agent_runs;

DROP FUNCTION recount_agent_runs();

DROP FUNCTION count_no_runs();

DROP FUNCTION count_runs();

DROP FUNCTION fold_agent_run_counts(bigint);

DROP FUNCTION agent_run_bucket(timestamptz);

DROP TABLE agent_run_count_changes;

DROP TABLE agent_run_counts;
