-- Numbers every change of a run, so that sql/runs/feed.sql can follow the changes. The runs that
-- exist keep 0, which needs no rewrite of the table: the feed lists them first, by event_id.
-- depends: 0015_runs_only_forward 0016_shared_lanes

SET LOCAL lock_timeout = '5s';

-- The function below takes this search_path (SET … FROM CURRENT), whatever its caller has.
DO $$
BEGIN
    PERFORM set_config('search_path', quote_ident(current_schema()) || ', pg_temp', TRUE);
END;
$$;

ALTER TABLE agent_runs ADD COLUMN change_number bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN agent_runs.change_number IS
'Drawn for each change: lane * 10^17 + number. Within a lane it grows in the order in which '
'changes became visible. 0: not changed since the column was added';

CREATE SEQUENCE agent_runs_change_seq OWNED BY agent_runs.change_number;

COMMENT ON SEQUENCE agent_runs_change_seq IS
'The numbers in agent_runs.change_number. Must stay CACHE 1, and never go back';

-- A role that could write runs before still can.
GRANT USAGE ON SEQUENCE agent_runs_change_seq TO public;

-- An expression is evaluated from left to right: first the lane, then the number.
ALTER TABLE agent_runs
ALTER COLUMN change_number
SET DEFAULT take_lane(7308) * 100000000000000000 + nextval('agent_runs_change_seq');

CREATE FUNCTION number_changed_run() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    lane bigint := take_lane(7308);
BEGIN
    new.change_number := lane * 100000000000000000 + nextval('agent_runs_change_seq');
    RETURN new;
END;
$$;

COMMENT ON FUNCTION number_changed_run() IS
'Trigger of agent_runs: draws a new change_number';

-- Not in the statements of the service: others change runs too.
CREATE TRIGGER number_changed_run
BEFORE UPDATE ON agent_runs
FOR EACH ROW
EXECUTE FUNCTION number_changed_run();
