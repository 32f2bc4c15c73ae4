SET LOCAL lock_timeout = '5s';

DELETE FROM agent_run_count_changes;

DELETE FROM agent_run_counts;
