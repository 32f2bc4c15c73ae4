SET LOCAL lock_timeout = '5s';

ALTER TABLE agent_run_count_changes REPLICA IDENTITY DEFAULT;
