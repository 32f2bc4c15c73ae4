-- Numbers the events of the ledger across devices, so that sql/audio_runtime/feed.sql can follow a
-- tenant: event_id gives no order across devices. No row_hash covers the column. The events that
-- exist keep 0, since the ledger refuses an UPDATE: the feed lists them first, by event_id.
-- depends: 0009_audio_runtime_ledger 0016_shared_lanes

SET LOCAL lock_timeout = '5s';

-- PostgreSQL 15.20 and the other releases of its day refuse a new column with a default while a
-- function with a SQL-standard body uses the row type of the table. Such functions return NULL
-- meanwhile.
DO $$
DECLARE
    definitions text[] := array(
        SELECT pg_get_functiondef(pg_proc.oid)
        FROM pg_proc
        WHERE
            pg_proc.prosqlbody IS NOT NULL
            AND 'os_core.audio_runtime_events'::regtype = any(pg_proc.proargtypes)
    );
    definition text;
BEGIN
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE format(
            '%s AS ''SELECT NULL::%s''',
            split_part(definition, E'\nRETURN ', 1),
            substring(definition FROM '\n RETURNS (\w+)\n')
        );
    END LOOP;
    ALTER TABLE os_core.audio_runtime_events ADD COLUMN feed_number bigint NOT NULL DEFAULT 0;
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
END;
$$;

COMMENT ON COLUMN os_core.audio_runtime_events.feed_number IS
'Drawn for each event: lane * 10^17 + number. Within a lane it grows in the order in which events '
'became visible. 0: appended before the column was added. Not part of the row_hash';

CREATE SEQUENCE os_core.audio_runtime_events_feed_seq
OWNED BY os_core.audio_runtime_events.feed_number;

COMMENT ON SEQUENCE os_core.audio_runtime_events_feed_seq IS
'The numbers in audio_runtime_events.feed_number. Must stay CACHE 1, and never go back';

-- A role that could append before still can.
GRANT USAGE ON SEQUENCE os_core.audio_runtime_events_feed_seq TO public;

-- An expression is evaluated from left to right: first the lane, then the number.
ALTER TABLE os_core.audio_runtime_events
ALTER COLUMN feed_number
SET DEFAULT
take_lane(7309) * 100000000000000000 + nextval('os_core.audio_runtime_events_feed_seq');
