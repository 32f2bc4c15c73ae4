SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION number_runtime_event() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    wanted integer := pg_backend_pid() % 64;
BEGIN
    FOR step IN 0..63 LOOP
        NEW.lane := (wanted + step) % 64;
        IF pg_try_advisory_xact_lock(7306, NEW.lane) THEN
            NEW.number := nextval('runtime_events_number_seq');
            RETURN NEW;
        END IF;
    END LOOP;
    -- All lanes are taken by other transactions. This one holds no lane, so it can wait for one
    -- without a deadlock.
    NEW.lane := wanted;
    PERFORM pg_advisory_xact_lock(7306, wanted);
    NEW.number := nextval('runtime_events_number_seq');
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION number_runtime_event() IS
'Trigger of runtime_events: takes a lane that no other transaction holds, and its next number';
