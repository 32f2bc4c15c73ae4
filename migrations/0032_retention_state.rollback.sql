SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION number_runtime_event() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    wanted integer := pg_backend_pid() % 64;
    newest bigint;
    newest_of_lane bigint;
BEGIN
    FOR step IN 0..64 LOOP
        NEW.lane := (wanted + step) % 64;
        IF step = 64 THEN
            -- All lanes are taken by other transactions. This one holds no lane, so it can wait for
            -- one without a deadlock.
            PERFORM pg_advisory_xact_lock(7306, wanted);
        END IF;
        EXIT WHEN step = 64 OR pg_try_advisory_xact_lock(7306, NEW.lane);
    END LOOP;
    NEW.number := nextval('runtime_events_number_seq');
    IF current_setting('telemetry.numbers_are_above', TRUE) IS DISTINCT FROM 'yes' THEN
        SELECT
            max(highest.number),
            max(highest.number) FILTER (WHERE every_lane.lane = NEW.lane)
        INTO newest, newest_of_lane
        FROM generate_series(0, 63) AS every_lane (lane)
        CROSS JOIN LATERAL (
            SELECT event.number FROM runtime_events AS event
            WHERE event.lane = every_lane.lane
            ORDER BY event.lane DESC, event.number DESC
            LIMIT 1
        ) AS highest;
        IF NEW.number <= newest_of_lane THEN
            NEW.number := newest_of_lane + 1;
        ELSIF NEW.number > coalesce(newest, 0) THEN
            PERFORM set_config('telemetry.numbers_are_above', 'yes', FALSE);
        END IF;
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION number_runtime_event() IS
'Trigger of runtime_events: takes a lane that no other transaction holds, and a number above those '
'in it';

DROP TABLE runtime_events_pruned;

DROP TABLE retention_passes;
