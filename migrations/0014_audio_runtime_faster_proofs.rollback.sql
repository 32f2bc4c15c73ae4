SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_events)
RETURNS TABLE (event_type text, reason_codes text[], severity text, payload_min jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
SELECT
    'K_' || CASE event.event_kind
        WHEN 'VAD_EVENT' THEN 'VAD_EVENT_MARKER'
        ELSE event.event_kind
    END || '_COMMIT',
    reasons.routine || reasons.alarming,
    CASE WHEN cardinality(reasons.alarming) > 0 THEN 'WARN' ELSE 'INFO' END,
    jsonb_strip_nulls(
        jsonb_build_object(
            'tenant_id', event.tenant_id,
            'device_id', event.device_id,
            'session_id', event.session_id,
            'event_kind', event.event_kind,
            'processed_stream_id', event.processed_stream_id,
            'pre_roll_buffer_id', event.pre_roll_buffer_id,
            'device_health', event.device_health,
            'tts_playback_active', event.tts_playback_active,
            'interrupt_phrase_id', event.phrase_id,
            'interrupt_phrase_text', event.phrase_text,
            'degradation_flags', CASE
                WHEN event.event_kind = 'DEGRADATION_FLAGS'
                    THEN jsonb_build_object(
                        'capture_degraded', event.capture_degraded,
                        'aec_unstable', event.aec_unstable,
                        'device_changed', event.device_changed,
                        'stream_gap_detected', event.stream_gap_detected
                    )
            END
        )
    )
FROM (
    SELECT
        CASE
            WHEN event.event_kind = 'INTERRUPT_CANDIDATE'
                THEN ARRAY['K_INTERRUPT_CANDIDATE_EMITTED']
            ELSE '{}'::text[]
        END AS routine,
        array_remove(
            ARRAY[
                CASE WHEN event.stream_gap_detected THEN 'K_STREAM_GAP_DETECTED' END,
                CASE WHEN event.aec_unstable THEN 'K_AEC_UNSTABLE' END,
                CASE WHEN event.device_changed THEN 'K_DEVICE_FAILOVER' END,
                CASE WHEN event.device_health <> 'HEALTHY' THEN 'K_DEVICE_UNHEALTHY' END
            ],
            NULL
        ) AS alarming
) AS reasons;
$$;

DROP FUNCTION audit.audio_runtime_payload(os_core.audio_runtime_events, text);

DROP FUNCTION audit.audio_runtime_names(text, text);

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events, bytea);

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_canonical_v1(
    event_id bigint,
    tenant_id text,
    device_id text,
    session_id bigint,
    event_kind text,
    created_at bigint,
    idempotency_key text,
    processed_stream_id text,
    raw_stream_id text,
    pre_roll_buffer_id bigint,
    selected_mic text,
    selected_speaker text,
    device_health text,
    jitter_ms double precision,
    drift_ppm double precision,
    buffer_depth_ms double precision,
    underruns bigint,
    overruns bigint,
    phrase_id bigint,
    phrase_text text,
    reason_code bigint,
    capture_degraded boolean,
    aec_unstable boolean,
    device_changed boolean,
    stream_gap_detected boolean,
    tts_playback_active boolean
) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    os_core.canonical_field(int8send(event_id))
    || os_core.canonical_field(convert_to(tenant_id, 'UTF8'))
    || os_core.canonical_field(convert_to(device_id, 'UTF8'))
    || os_core.canonical_field(int8send(session_id))
    || os_core.canonical_field(convert_to(event_kind, 'UTF8'))
    || os_core.canonical_field(int8send(created_at))
    || os_core.canonical_field(convert_to(idempotency_key, 'UTF8'))
    || os_core.canonical_field(convert_to(processed_stream_id, 'UTF8'))
    || os_core.canonical_field(convert_to(raw_stream_id, 'UTF8'))
    || os_core.canonical_field(int8send(pre_roll_buffer_id))
    || os_core.canonical_field(convert_to(selected_mic, 'UTF8'))
    || os_core.canonical_field(convert_to(selected_speaker, 'UTF8'))
    || os_core.canonical_field(convert_to(device_health, 'UTF8'))
    || os_core.canonical_field(float8send(jitter_ms))
    || os_core.canonical_field(float8send(drift_ppm))
    || os_core.canonical_field(float8send(buffer_depth_ms))
    || os_core.canonical_field(int8send(underruns))
    || os_core.canonical_field(int8send(overruns))
    || os_core.canonical_field(int8send(phrase_id))
    || os_core.canonical_field(convert_to(phrase_text, 'UTF8'))
    || os_core.canonical_field(int8send(reason_code))
    || os_core.canonical_field(boolsend(capture_degraded))
    || os_core.canonical_field(boolsend(aec_unstable))
    || os_core.canonical_field(boolsend(device_changed))
    || os_core.canonical_field(boolsend(stream_gap_detected))
    || os_core.canonical_field(boolsend(tts_playback_active))
);

DROP FUNCTION os_core.audio_runtime_event_canonical_v1(
    bigint, bytea, bigint, text, bigint, text, text, text, bigint, text, text, text,
    double precision, double precision, double precision, bigint, bigint, bigint, text, bigint,
    boolean, boolean, boolean, boolean, boolean
);

DROP FUNCTION os_core.canonical_kind(text);

DROP FUNCTION os_core.canonical_field(boolean);

DROP FUNCTION os_core.canonical_field(double precision);

DROP FUNCTION os_core.canonical_field(bigint);

DROP FUNCTION os_core.canonical_field(text);
