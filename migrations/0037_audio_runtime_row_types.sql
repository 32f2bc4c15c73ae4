-- Lets a DBA add columns with a default to the ledger and the projection. PostgreSQL 15.20 and the
-- other releases of its day refuse that while a function with a SQL-standard body uses the row type
-- of the table. So the functions that take a row have a body of text, which only reads its columns:
-- what a search_path could change, such as an operator, is in functions of those columns.
-- depends: 0013_audit_audio_runtime

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION os_core.canonical_names(tenant_id text, device_id text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.canonical_field(tenant_id) || os_core.canonical_field(device_id);

COMMENT ON FUNCTION os_core.canonical_names(text, text) IS
'The canonical bytes of the two names of a device, which are the same in all of its rows';

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, event_id bigint, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT os_core.audio_runtime_event_canonical_v1(
    audio_runtime_event_content.event_id,
    audio_runtime_event_content.names,
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
$$;

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT os_core.audio_runtime_event_content(
    event, event.event_id, audio_runtime_event_content.names
)
$$;

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT os_core.audio_runtime_event_content(
    event, os_core.canonical_names(event.tenant_id, event.device_id)
)
$$;

CREATE OR REPLACE FUNCTION os_core.audio_runtime_state_of(stored os_core.audio_runtime_current)
RETURNS os_core.audio_runtime_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
-- In the order of the type.
SELECT row(
    stored.tenant_id,
    stored.device_id,
    stored.session_id,
    stored.processed_stream_id,
    stored.raw_stream_id,
    stored.pre_roll_buffer_id,
    stored.selected_mic,
    stored.selected_speaker,
    stored.device_health,
    stored.jitter_ms,
    stored.drift_ppm,
    stored.buffer_depth_ms,
    stored.underruns,
    stored.overruns,
    stored.last_interrupt_phrase_id,
    stored.last_interrupt_phrase_text,
    stored.last_interrupt_reason_code,
    stored.capture_degraded,
    stored.aec_unstable,
    stored.device_changed,
    stored.stream_gap_detected,
    stored.tts_playback_active,
    stored.last_event_id,
    stored.updated_at
)::os_core.audio_runtime_state
$$;

CREATE FUNCTION audit.audio_runtime_payload(
    names text,
    event_kind text,
    session_id bigint,
    device_health text,
    aec_unstable boolean,
    device_changed boolean,
    capture_degraded boolean,
    stream_gap_detected boolean,
    pre_roll_buffer_id bigint,
    phrase_id bigint,
    processed_stream_id text,
    tts_playback_active boolean,
    phrase_text text
)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
-- In the order of keys in jsonb: shorter keys first. concat() leaves out NULLs.
RETURN concat(
    '{',
    names,
    CASE event_kind
        WHEN 'STREAM_REFS' THEN ', "event_kind": "STREAM_REFS"'
        WHEN 'VAD_EVENT' THEN ', "event_kind": "VAD_EVENT"'
        WHEN 'DEVICE_STATE' THEN ', "event_kind": "DEVICE_STATE"'
        WHEN 'TIMING_STATS' THEN ', "event_kind": "TIMING_STATS"'
        WHEN 'INTERRUPT_CANDIDATE' THEN ', "event_kind": "INTERRUPT_CANDIDATE"'
        WHEN 'DEGRADATION_FLAGS' THEN ', "event_kind": "DEGRADATION_FLAGS"'
        WHEN 'TTS_PLAYBACK_ACTIVE' THEN ', "event_kind": "TTS_PLAYBACK_ACTIVE"'
        ELSE ', "event_kind": ' || to_json(event_kind)::text
    END,
    ', "session_id": ' || session_id::text,
    ', "device_health": ' || to_json(device_health)::text,
    CASE
        WHEN event_kind = 'DEGRADATION_FLAGS'
            THEN concat(
                ', "degradation_flags": {',
                concat_ws(
                    ', ',
                    '"aec_unstable": ' || aec_unstable::text,
                    '"device_changed": ' || device_changed::text,
                    '"capture_degraded": ' || capture_degraded::text,
                    '"stream_gap_detected": ' || stream_gap_detected::text
                ),
                '}'
            )
    END,
    ', "pre_roll_buffer_id": ' || pre_roll_buffer_id::text,
    ', "interrupt_phrase_id": ' || phrase_id::text,
    ', "processed_stream_id": ' || to_json(processed_stream_id)::text,
    ', "tts_playback_active": ' || tts_playback_active::text,
    ', "interrupt_phrase_text": ' || to_json(phrase_text)::text,
    '}'
);

COMMENT ON FUNCTION audit.audio_runtime_payload(
    text, text, bigint, text, boolean, boolean, boolean, boolean, bigint, bigint, text, boolean,
    text
) IS
'The same as audio_runtime_payload(event, names), from the columns of the ledger row';

CREATE OR REPLACE FUNCTION audit.audio_runtime_payload(
    event os_core.audio_runtime_events, names text
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
