SET LOCAL lock_timeout = '5s';

DROP INDEX ix_agent_runs_unnumbered;

DROP INDEX ix_agent_runs_change_number;
