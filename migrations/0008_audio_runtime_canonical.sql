-- The canonical bytes of a ledger row: what its row_hash covers. Rows are checked with these
-- functions for as long as the ledger exists, so the bytes must never change. A column that is added
-- later appends its bytes at the end, and only in the rows that have a value in it.
--
-- Each field is encoded by canonical_field, in the order of the table's columns. The bodies are
-- parsed when the functions are created (RETURN, not a string), so neither the search_path nor any
-- other setting of a session can change the bytes.
--
-- convert_to is STABLE, so the functions that call it are STABLE too: PostgreSQL does not inline a
-- function that is marked stricter than what it calls, and inlining makes these several times faster.
-- depends: 0007_audio_runtime_devices

SET LOCAL lock_timeout = '5s';

-- Fields

CREATE FUNCTION os_core.canonical_field(field bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    coalesce('\x01'::bytea || int4send(octet_length(field)) || field, '\x00'::bytea)
);

CREATE FUNCTION os_core.canonical_field(field text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.canonical_field(convert_to(field, 'UTF8'));

-- The types of a fixed size have their length as a constant.

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
-- The planner computes each of the known kinds once per plan.
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

COMMENT ON FUNCTION os_core.canonical_field(bytea) IS
'Encodes a field so that its end is unambiguous: 00 for NULL; else 01, the length in four bytes, '
'and the bytes';
COMMENT ON FUNCTION os_core.canonical_field(text) IS
'canonical_field(bytea) of the text in UTF-8, whatever the encoding of the database';
COMMENT ON FUNCTION os_core.canonical_field(bigint) IS
'canonical_field(bytea) of the eight bytes, highest byte first';
COMMENT ON FUNCTION os_core.canonical_field(double precision) IS
'canonical_field(bytea) of the eight bytes of IEEE 754, sign first';
COMMENT ON FUNCTION os_core.canonical_field(boolean) IS
'canonical_field(bytea) of one byte: 01 for true, 00 for false';
COMMENT ON FUNCTION os_core.canonical_kind(text) IS
'The same as canonical_field(text), but faster for an event_kind';

-- Rows

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
    -- A row has the fields of one kind. Each other group is a constant: one 00 per field.
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

COMMENT ON FUNCTION os_core.audio_runtime_event_canonical_v1 IS
'The bytes of a ledger row that its row_hash covers; names is the canonical_field of tenant_id '
'followed by that of device_id. Must never change: rows of any age are checked with it. '
'audio_runtime_event_content adds the bytes of columns that the ledger gets later';
