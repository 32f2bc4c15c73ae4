-- Closes what the ledger's own rules left open: ids before the first one, which no reader pages
-- to, and values of the audit payload that hide others.
-- The checks are validated by the next migration, which blocks no writer while it reads.
-- depends: 0008_audit_create 0009_audio_runtime_current

SET LOCAL lock_timeout = '5s';

ALTER TABLE os_core.audio_runtime_events
ADD CONSTRAINT audio_runtime_events_event_id_check CHECK (event_id > 0) NOT VALID;

ALTER TABLE audit.audit_events
ADD CONSTRAINT audit_events_payload_min_scalars_check CHECK (
    NOT jsonb_path_exists(
        payload_min - 'degradation_flags',
        '$.* ? (@.type() == "object" || @.type() == "array")'
    )
) NOT VALID;

CREATE OR REPLACE FUNCTION os_core.begin_chain() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- There already when the tables are restored one by one.
    INSERT INTO os_core.audio_runtime_heads (tenant_id, device_id)
    VALUES (new.tenant_id, new.device_id)
    ON CONFLICT (tenant_id, device_id) DO NOTHING;
    RETURN NULL;
END;
$$;

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    os_core.audio_runtime_event_canonical_v1(
        event.event_id,
        event.tenant_id,
        event.device_id,
        event.session_id,
        event.event_kind,
        event.created_at,
        event.idempotency_key,
        event.processed_stream_id,
        event.raw_stream_id,
        event.pre_roll_buffer_id,
        event.selected_mic,
        event.selected_speaker,
        event.device_health,
        event.jitter_ms,
        event.drift_ppm,
        event.buffer_depth_ms,
        event.underruns,
        event.overruns,
        event.phrase_id,
        event.phrase_text,
        event.reason_code,
        event.capture_degraded,
        event.aec_unstable,
        event.device_changed,
        event.stream_gap_detected,
        event.tts_playback_active
    )
);

COMMENT ON FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events) IS
'The bytes of a stored row that its row_hash covers, in the version that holds for it';
