-- A run is running or has ended, and only moves forward: no UPDATE of any client makes a run that
-- has ended running again by accident. To reopen a run on purpose, an UPDATE sets reopened_at too.
-- The trigger's condition is checked only for an UPDATE, so a create costs nothing more.
-- depends: 0003_runs_table

SET LOCAL lock_timeout = '5s';

ALTER TABLE agent_runs ADD COLUMN completed_fields text[], ADD COLUMN reopened_at timestamptz;

COMMENT ON COLUMN agent_runs.completed_fields IS
'Columns in which an ended record changed the run; a record that is running may differ in them '
'without a conflict';
COMMENT ON COLUMN agent_runs.reopened_at IS
'When the run was last set from an end to running on purpose; NULL: never';

CREATE FUNCTION refuse_undone_end() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'run % has ended with status %', old.event_id, old.status
    USING
        ERRCODE = 'check_violation',
        CONSTRAINT = 'agent_runs_only_forward',
        TABLE = tg_table_name,
        HINT = 'To reopen the run, set reopened_at = now() and end_time = NULL as well.';
END;
$$;

COMMENT ON FUNCTION refuse_undone_end() IS
'Trigger of agent_runs: refuses to set a run that has ended to running';

CREATE TRIGGER refuse_undone_end
BEFORE UPDATE ON agent_runs
FOR EACH ROW
WHEN (
    new.status = 'running'
    AND old.status <> 'running'
    AND new.reopened_at IS NOT DISTINCT FROM old.reopened_at
)
EXECUTE FUNCTION refuse_undone_end();
