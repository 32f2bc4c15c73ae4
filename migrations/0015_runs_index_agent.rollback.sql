SET LOCAL lock_timeout = '5s';

DROP INDEX ix_agent_runs_agent_name_status_newest;
