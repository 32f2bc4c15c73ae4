-- What the audit row of an audio runtime event contains. An append writes it; verify compares it
-- with what is stored. Payloads are built as text, which is cheaper than jsonb, and verify compares
-- most of them as text.
-- depends: 0009_audio_runtime_ledger 0012_audit_events

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION audit.audio_runtime_names(tenant_id text, device_id text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN concat('"device_id": ', to_json(device_id), ', "tenant_id": ', to_json(tenant_id));

COMMENT ON FUNCTION audit.audio_runtime_names(text, text) IS
'The members device_id and tenant_id of payload_min, as text';

CREATE FUNCTION audit.audio_runtime_payload(event os_core.audio_runtime_events, names text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
-- In the order of keys in jsonb: shorter keys first. concat() leaves out NULLs.
RETURN concat(
    '{',
    names,
    CASE event.event_kind
        WHEN 'STREAM_REFS' THEN ', "event_kind": "STREAM_REFS"'
        WHEN 'VAD_EVENT' THEN ', "event_kind": "VAD_EVENT"'
        WHEN 'DEVICE_STATE' THEN ', "event_kind": "DEVICE_STATE"'
        WHEN 'TIMING_STATS' THEN ', "event_kind": "TIMING_STATS"'
        WHEN 'INTERRUPT_CANDIDATE' THEN ', "event_kind": "INTERRUPT_CANDIDATE"'
        WHEN 'DEGRADATION_FLAGS' THEN ', "event_kind": "DEGRADATION_FLAGS"'
        WHEN 'TTS_PLAYBACK_ACTIVE' THEN ', "event_kind": "TTS_PLAYBACK_ACTIVE"'
        ELSE ', "event_kind": ' || to_json(event.event_kind)::text
    END,
    ', "session_id": ' || event.session_id::text,
    ', "device_health": ' || to_json(event.device_health)::text,
    CASE
        WHEN event.event_kind = 'DEGRADATION_FLAGS'
            THEN concat(
                ', "degradation_flags": {',
                concat_ws(
                    ', ',
                    '"aec_unstable": ' || event.aec_unstable::text,
                    '"device_changed": ' || event.device_changed::text,
                    '"capture_degraded": ' || event.capture_degraded::text,
                    '"stream_gap_detected": ' || event.stream_gap_detected::text
                ),
                '}'
            )
    END,
    ', "pre_roll_buffer_id": ' || event.pre_roll_buffer_id::text,
    ', "interrupt_phrase_id": ' || event.phrase_id::text,
    ', "processed_stream_id": ' || to_json(event.processed_stream_id)::text,
    ', "tts_playback_active": ' || event.tts_playback_active::text,
    ', "interrupt_phrase_text": ' || to_json(event.phrase_text)::text,
    '}'
);

COMMENT ON FUNCTION audit.audio_runtime_payload(os_core.audio_runtime_events, text) IS
'payload_min of the audit row of a ledger row, exactly as payload_min::text gives it; names is the '
'result of audio_runtime_names';

CREATE FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_events)
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

COMMENT ON FUNCTION audit.audio_runtime_row(os_core.audio_runtime_events) IS
'The audit row of a ledger row: an append inserts it, and verify compares with it';
