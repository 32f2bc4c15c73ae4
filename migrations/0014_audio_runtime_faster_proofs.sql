-- The bytes that a row_hash covers, and what an audit row says, from cheaper expressions: an
-- integer needs no length taken, a kind none of the fields of the others, a text no jsonb to be
-- compared with one. What the functions give stays the same, byte for byte: rows of years ago
-- are checked with them. Those that check many rows of one device may have its names once.
-- depends: 0012_audio_runtime_guards

SET LOCAL lock_timeout = '5s';

-- The chain

CREATE FUNCTION os_core.canonical_field(field text) RETURNS bytea
-- STABLE, as convert_to is, like everything that calls it; inlined only for that.
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.canonical_field(convert_to(field, 'UTF8'));

CREATE FUNCTION os_core.canonical_field(field bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('\x0100000008'::bytea || int8send(field), '\x00'::bytea);

CREATE FUNCTION os_core.canonical_field(field double precision) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('\x0100000008'::bytea || float8send(field), '\x00'::bytea);

CREATE FUNCTION os_core.canonical_field(field boolean) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('\x0100000001'::bytea || boolsend(field), '\x00'::bytea);

CREATE FUNCTION os_core.canonical_kind(event_kind text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
-- The known ones are constants in every plan.
RETURN CASE event_kind
    WHEN 'STREAM_REFS' THEN os_core.canonical_field('STREAM_REFS'::bytea)
    WHEN 'VAD_EVENT' THEN os_core.canonical_field('VAD_EVENT'::bytea)
    WHEN 'DEVICE_STATE' THEN os_core.canonical_field('DEVICE_STATE'::bytea)
    WHEN 'TIMING_STATS' THEN os_core.canonical_field('TIMING_STATS'::bytea)
    WHEN 'INTERRUPT_CANDIDATE' THEN os_core.canonical_field('INTERRUPT_CANDIDATE'::bytea)
    WHEN 'DEGRADATION_FLAGS' THEN os_core.canonical_field('DEGRADATION_FLAGS'::bytea)
    WHEN 'TTS_PLAYBACK_ACTIVE' THEN os_core.canonical_field('TTS_PLAYBACK_ACTIVE'::bytea)
    ELSE os_core.canonical_field(event_kind)
END;

COMMENT ON FUNCTION os_core.canonical_field(text) IS
'canonical_field(bytea) of the text in UTF-8, whatever the database''s encoding';
COMMENT ON FUNCTION os_core.canonical_field(bigint) IS
'canonical_field(bytea) of the eight bytes, the highest first';
COMMENT ON FUNCTION os_core.canonical_field(double precision) IS
'canonical_field(bytea) of the eight bytes of IEEE 754, the sign first';
COMMENT ON FUNCTION os_core.canonical_field(boolean) IS
'canonical_field(bytea) of the byte 01 or 00';
COMMENT ON FUNCTION os_core.canonical_kind(text) IS
'canonical_field(text) of an event_kind, sooner';

CREATE FUNCTION os_core.audio_runtime_event_canonical_v1(
    event_id bigint,
    names bytea,
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
    os_core.canonical_field(event_id)
    || names
    || os_core.canonical_field(session_id)
    || os_core.canonical_kind(event_kind)
    || os_core.canonical_field(created_at)
    || os_core.canonical_field(idempotency_key)
    -- A row has the fields of one kind; those of another are one step, a zero byte for each.
    || CASE
        WHEN (processed_stream_id, raw_stream_id, pre_roll_buffer_id) IS NULL
            THEN '\x000000'::bytea
        ELSE
            os_core.canonical_field(processed_stream_id)
            || os_core.canonical_field(raw_stream_id)
            || os_core.canonical_field(pre_roll_buffer_id)
    END
    || CASE
        WHEN (selected_mic, selected_speaker, device_health) IS NULL
            THEN '\x000000'::bytea
        ELSE
            os_core.canonical_field(selected_mic)
            || os_core.canonical_field(selected_speaker)
            || os_core.canonical_field(device_health)
    END
    || CASE
        WHEN (jitter_ms, drift_ppm, buffer_depth_ms, underruns, overruns) IS NULL
            THEN '\x0000000000'::bytea
        ELSE
            os_core.canonical_field(jitter_ms)
            || os_core.canonical_field(drift_ppm)
            || os_core.canonical_field(buffer_depth_ms)
            || os_core.canonical_field(underruns)
            || os_core.canonical_field(overruns)
    END
    || CASE
        WHEN (phrase_id, phrase_text, reason_code) IS NULL
            THEN '\x000000'::bytea
        ELSE
            os_core.canonical_field(phrase_id)
            || os_core.canonical_field(phrase_text)
            || os_core.canonical_field(reason_code)
    END
    || CASE
        WHEN (capture_degraded, aec_unstable, device_changed, stream_gap_detected) IS NULL
            THEN '\x00000000'::bytea
        ELSE
            os_core.canonical_field(capture_degraded)
            || os_core.canonical_field(aec_unstable)
            || os_core.canonical_field(device_changed)
            || os_core.canonical_field(stream_gap_detected)
    END
    || os_core.canonical_field(tts_playback_active)
);

COMMENT ON FUNCTION os_core.audio_runtime_event_canonical_v1(
    bigint, bytea, bigint, text, bigint, text, text, text, bigint, text, text, text,
    double precision, double precision, double precision, bigint, bigint, bigint, text, bigint,
    boolean, boolean, boolean, boolean, boolean
) IS
'The bytes of a ledger row that its row_hash covers; names are the canonical fields of '
'tenant_id and device_id. Never changed: rows of years ago are checked with it';

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
RETURN os_core.audio_runtime_event_canonical_v1(
    event_id,
    os_core.canonical_field(tenant_id) || os_core.canonical_field(device_id),
    session_id,
    event_kind,
    created_at,
    idempotency_key,
    processed_stream_id,
    raw_stream_id,
    pre_roll_buffer_id,
    selected_mic,
    selected_speaker,
    device_health,
    jitter_ms,
    drift_ppm,
    buffer_depth_ms,
    underruns,
    overruns,
    phrase_id,
    phrase_text,
    reason_code,
    capture_degraded,
    aec_unstable,
    device_changed,
    stream_gap_detected,
    tts_playback_active
);

CREATE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.audio_runtime_event_canonical_v1(
    event.event_id,
    names,
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
);

COMMENT ON FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events, bytea) IS
'audio_runtime_event_content of a row whose names (the canonical fields of tenant_id and '
'device_id) are known, as they are to whoever goes through the rows of one device';

-- The audit trail

CREATE FUNCTION audit.audio_runtime_names(tenant_id text, device_id text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN concat('"device_id": ', to_json(device_id), ', "tenant_id": ', to_json(tenant_id));

COMMENT ON FUNCTION audit.audio_runtime_names(text, text) IS
'How the text of an audit row''s payload_min names its device';

CREATE FUNCTION audit.audio_runtime_payload(event os_core.audio_runtime_events, names text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
-- In the order in which jsonb keeps keys, the shorter ones first; concat() leaves out NULLs.
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
'payload_min of the audit row of a ledger row, as the text that jsonb gives of it; names are '
'those of audio_runtime_names';

CREATE OR REPLACE FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_events)
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
