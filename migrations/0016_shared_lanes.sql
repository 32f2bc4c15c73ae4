-- Lanes, for numbers that followers read in order. A numbered column holds
-- take_lane(…) * 10^17 + nextval(…): one of 64 lanes, and a number of a sequence.
-- Why a follower misses no row when it keeps the last number of each lane:
-- 1. A transaction draws numbers of a lane while it holds the lane's lock, and PostgreSQL releases
--    locks only after the commit is visible to every later snapshot. So of two transactions in one
--    lane, the one with the lower numbers becomes visible first.
-- 2. Hence a snapshot that sees a number of a lane sees all lower ones that were ever committed.
-- Writers share no row. Only the 65th transaction that writes to a table at the same time waits,
-- until another one ends or its statement_timeout has passed. It can hold locks that others wait
-- for: PostgreSQL detects such a deadlock, and the service then runs the transaction again.
-- The sequence must not cache numbers (CACHE 1): a session with a stock of low numbers would use
-- them behind another session's higher ones.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

-- STABLE, although it takes a lock: any lane that it has returned to a statement stays right until
-- the transaction ends. COPY writes rows singly when a default is volatile (nextval aside).
CREATE FUNCTION take_lane(lock_class integer) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    usual integer := pg_backend_pid() % 64;
BEGIN
    -- It is nearly always free, or held by this transaction already.
    IF pg_try_advisory_xact_lock(lock_class, usual) THEN
        RETURN usual;
    END IF;
    FOR lane IN 0..63 LOOP
        IF pg_try_advisory_xact_lock(lock_class, lane) THEN
            RETURN lane;
        END IF;
    END LOOP;
    PERFORM pg_advisory_xact_lock(lock_class, usual);
    RETURN usual;
END;
$$;

-- A role that could write before still can, also where a DBA has revoked the usual right.
GRANT EXECUTE ON FUNCTION take_lane(integer) TO public;

COMMENT ON FUNCTION take_lane(integer) IS
'A lane, from 0 to 63, that no other transaction holds until this one has ended. lock_class is the '
'first key of its advisory lock: 7308 for agent_runs, 7309 for os_core.audio_runtime_events';
