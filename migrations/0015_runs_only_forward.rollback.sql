SET LOCAL lock_timeout = '5s';

DROP TRIGGER refuse_undone_end ON agent_runs;

DROP FUNCTION refuse_undone_end();

ALTER TABLE agent_runs DROP COLUMN completed_fields, DROP COLUMN reopened_at;
