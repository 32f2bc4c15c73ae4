-- Gives the functions of the audit row a form over the type of an event, as 0040 does for those of
-- the ledger.
-- depends: 0040_audio_runtime_event_type

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION audit.audio_runtime_payload(
    event os_core.audio_runtime_event, names text
)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT audit.audio_runtime_payload(
    audio_runtime_payload.names,
    event.event_kind,
    event.session_id,
    event.device_health,
    event.aec_unstable,
    event.device_changed,
    event.capture_degraded,
    event.stream_gap_detected,
    event.pre_roll_buffer_id,
    event.phrase_id,
    event.processed_stream_id,
    event.tts_playback_active,
    event.phrase_text
)
$$;

COMMENT ON FUNCTION audit.audio_runtime_payload(os_core.audio_runtime_event, text) IS
'payload_min of the audit row of an event, exactly as payload_min::text gives it; names is the '
'result of audio_runtime_names';

CREATE FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_event)
RETURNS TABLE (event_type text, reason_codes text[], severity text, payload_min jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
SELECT
    CASE event.event_kind
        WHEN 'STREAM_REFS' THEN 'K_STREAM_REFS_COMMIT'
        WHEN 'VAD_EVENT' THEN 'K_VAD_EVENT_MARKER_COMMIT'
        WHEN 'DEVICE_STATE' THEN 'K_DEVICE_STATE_COMMIT'
        WHEN 'TIMING_STATS' THEN 'K_TIMING_STATS_COMMIT'
        WHEN 'INTERRUPT_CANDIDATE' THEN 'K_INTERRUPT_CANDIDATE_COMMIT'
        WHEN 'DEGRADATION_FLAGS' THEN 'K_DEGRADATION_FLAGS_COMMIT'
        WHEN 'TTS_PLAYBACK_ACTIVE' THEN 'K_TTS_PLAYBACK_ACTIVE_COMMIT'
        ELSE 'K_' || event.event_kind || '_COMMIT'
    END,
    CASE
        WHEN event.event_kind <> 'INTERRUPT_CANDIDATE' AND NOT known.alarming THEN '{}'::text[]
        ELSE array_remove(
            ARRAY[
                CASE
                    WHEN event.event_kind = 'INTERRUPT_CANDIDATE'
                        THEN 'K_INTERRUPT_CANDIDATE_EMITTED'
                END,
                CASE WHEN event.stream_gap_detected THEN 'K_STREAM_GAP_DETECTED' END,
                CASE WHEN event.aec_unstable THEN 'K_AEC_UNSTABLE' END,
                CASE WHEN event.device_changed THEN 'K_DEVICE_FAILOVER' END,
                CASE WHEN event.device_health <> 'HEALTHY' THEN 'K_DEVICE_UNHEALTHY' END
            ],
            NULL
        )
    END,
    CASE WHEN known.alarming THEN 'WARN' ELSE 'INFO' END,
    audit.audio_runtime_payload(
        event, audit.audio_runtime_names(event.tenant_id, event.device_id)
    )::jsonb
FROM (
    SELECT
        (
            event.stream_gap_detected
            OR event.aec_unstable
            OR event.device_changed
            OR event.device_health <> 'HEALTHY'
        ) IS TRUE AS alarming
) AS known;
$$;

COMMENT ON FUNCTION audit.audio_runtime_row(os_core.audio_runtime_event) IS
'The audit row of an event: an append inserts it, and verify compares with it';
