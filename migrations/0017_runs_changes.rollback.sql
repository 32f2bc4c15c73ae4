SET LOCAL lock_timeout = '5s';

DROP TRIGGER number_changed_run ON agent_runs;

DROP FUNCTION number_changed_run();

ALTER TABLE agent_runs DROP COLUMN change_number;
