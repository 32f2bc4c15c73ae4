SET LOCAL lock_timeout = '5s';

-- A check can't be made invalid again, only be made anew.
ALTER TABLE os_core.audio_runtime_events
DROP CONSTRAINT audio_runtime_events_event_id_check,
ADD CONSTRAINT audio_runtime_events_event_id_check CHECK (event_id > 0) NOT VALID;

ALTER TABLE audit.audit_events
DROP CONSTRAINT audit_events_payload_min_scalars_check,
ADD CONSTRAINT audit_events_payload_min_scalars_check CHECK (
    NOT jsonb_path_exists(
        payload_min - 'degradation_flags',
        '$.* ? (@.type() == "object" || @.type() == "array")'
    )
) NOT VALID;
