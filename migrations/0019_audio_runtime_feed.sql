-- Numbers the events of the ledger across devices, so that sql/audio_runtime/feed.sql can follow a
-- tenant: event_id gives no order across devices. No row_hash covers the column. The events that
-- exist keep 0, since the ledger refuses an UPDATE: the feed lists them first, by event_id.
-- depends: 0010_audio_runtime_chain 0013_audit_audio_runtime 0016_shared_lanes

SET LOCAL lock_timeout = '5s';

-- PostgreSQL 15.20, and the minor releases of its day, refuse to add a column with a default to a
-- table while the parsed body of a function reads a row of it. So these four functions lose their
-- bodies until the column exists. The transaction ends with the functions that it began with.

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, event_id bigint, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS 'SELECT NULL::bytea';

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS 'SELECT NULL::bytea';

CREATE OR REPLACE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS 'SELECT NULL::bytea';

CREATE OR REPLACE FUNCTION audit.audio_runtime_payload(
    event os_core.audio_runtime_events, names text
)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS 'SELECT NULL::text';

ALTER TABLE os_core.audio_runtime_events ADD COLUMN feed_number bigint NOT NULL DEFAULT 0;

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

COMMENT ON COLUMN os_core.audio_runtime_events.feed_number IS
'Drawn for each event: lane * 10^17 + number. Within a lane it grows in the order in which events '
'became visible. 0: appended before the column was added. Not part of the row_hash';

CREATE SEQUENCE os_core.audio_runtime_events_feed_seq
OWNED BY os_core.audio_runtime_events.feed_number;

COMMENT ON SEQUENCE os_core.audio_runtime_events_feed_seq IS
'The numbers in audio_runtime_events.feed_number. Must stay CACHE 1, and never go back';

-- A role that could append before still can.
GRANT USAGE ON SEQUENCE os_core.audio_runtime_events_feed_seq TO public;

-- An expression is evaluated from left to right: first the lane, then the number.
ALTER TABLE os_core.audio_runtime_events
ALTER COLUMN feed_number
SET DEFAULT
take_lane(7309) * 100000000000000000 + nextval('os_core.audio_runtime_events_feed_seq');
