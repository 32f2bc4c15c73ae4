SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, event_id bigint, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.audio_runtime_event_canonical_v1(
    event_id,
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

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.audio_runtime_event_content(event, event.event_id, names);

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.audio_runtime_event_content(
    event,
    os_core.canonical_field(event.tenant_id) || os_core.canonical_field(event.device_id)
);

DROP FUNCTION os_core.canonical_names(text, text);

CREATE OR REPLACE FUNCTION os_core.audio_runtime_state_of(stored os_core.audio_runtime_current)
RETURNS os_core.audio_runtime_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- In the order of the type.
RETURN row(
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
)::os_core.audio_runtime_state;

CREATE OR REPLACE FUNCTION audit.audio_runtime_payload(
    event os_core.audio_runtime_events, names text
)
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

DROP FUNCTION audit.audio_runtime_payload(
    text, text, bigint, text, boolean, boolean, boolean, boolean, bigint, bigint, text, boolean,
    text
);
