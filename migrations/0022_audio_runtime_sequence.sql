-- A sequence that is behind its table, as after a logical failover or a load without setval, would
-- give an event an id below those of its device, and the chain would be broken for good.
-- depends: 0009_audio_runtime_ledger

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION os_core.audio_runtime_sequence_behind() RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    -- As the collision that another id of this sequence would end in.
    RAISE unique_violation
    USING
        MESSAGE = 'audio_runtime_events_event_id_seq gave an id that is not above the head''s',
        SCHEMA = 'os_core',
        TABLE = 'audio_runtime_events',
        CONSTRAINT = 'audio_runtime_events_pkey',
        HINT = 'Set the sequence to the highest event_id with setval().';
END;
$$;

-- A role that could write before still can, also where a DBA has revoked the usual right.
GRANT EXECUTE ON FUNCTION os_core.audio_runtime_sequence_behind() TO public;

COMMENT ON FUNCTION os_core.audio_runtime_sequence_behind() IS
'Fails the append that calls it, because its event_id would not be the newest of its device';
