-- What the ledger's row_hash covers and what its audit rows contain, written as plainly as
-- possible. test_canonical.py compares the faster functions of the migrations with these. They
-- must never change: rows of any age are checked with the same bytes.

CREATE SCHEMA reference;

CREATE FUNCTION reference.canonical_field(field bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    coalesce('\x01'::bytea || int4send(octet_length(field)) || field, '\x00'::bytea)
);

CREATE FUNCTION reference.audio_runtime_event_canonical_v1(
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
    reference.canonical_field(int8send(event_id))
    || reference.canonical_field(convert_to(tenant_id, 'UTF8'))
    || reference.canonical_field(convert_to(device_id, 'UTF8'))
    || reference.canonical_field(int8send(session_id))
    || reference.canonical_field(convert_to(event_kind, 'UTF8'))
    || reference.canonical_field(int8send(created_at))
    || reference.canonical_field(convert_to(idempotency_key, 'UTF8'))
    || reference.canonical_field(convert_to(processed_stream_id, 'UTF8'))
    || reference.canonical_field(convert_to(raw_stream_id, 'UTF8'))
    || reference.canonical_field(int8send(pre_roll_buffer_id))
    || reference.canonical_field(convert_to(selected_mic, 'UTF8'))
    || reference.canonical_field(convert_to(selected_speaker, 'UTF8'))
    || reference.canonical_field(convert_to(device_health, 'UTF8'))
    || reference.canonical_field(float8send(jitter_ms))
    || reference.canonical_field(float8send(drift_ppm))
    || reference.canonical_field(float8send(buffer_depth_ms))
    || reference.canonical_field(int8send(underruns))
    || reference.canonical_field(int8send(overruns))
    || reference.canonical_field(int8send(phrase_id))
    || reference.canonical_field(convert_to(phrase_text, 'UTF8'))
    || reference.canonical_field(int8send(reason_code))
    || reference.canonical_field(boolsend(capture_degraded))
    || reference.canonical_field(boolsend(aec_unstable))
    || reference.canonical_field(boolsend(device_changed))
    || reference.canonical_field(boolsend(stream_gap_detected))
    || reference.canonical_field(boolsend(tts_playback_active))
);

CREATE FUNCTION reference.audio_runtime_row(event os_core.audio_runtime_events)
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
