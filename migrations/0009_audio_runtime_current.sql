-- What is true of each device now: a projection, which may be deleted and rebuilt at any time.
-- depends: 0007_audio_runtime_events

SET LOCAL lock_timeout = '5s';

CREATE TABLE os_core.audio_runtime_current (
    tenant_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    session_id bigint,
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
    last_interrupt_phrase_id bigint,
    last_interrupt_phrase_text text,
    last_interrupt_reason_code bigint,
    capture_degraded boolean NOT NULL DEFAULT FALSE,
    aec_unstable boolean NOT NULL DEFAULT FALSE,
    device_changed boolean NOT NULL DEFAULT FALSE,
    stream_gap_detected boolean NOT NULL DEFAULT FALSE,
    tts_playback_active boolean NOT NULL DEFAULT FALSE,
    last_event_id bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT audio_runtime_current_pkey PRIMARY KEY (tenant_id, device_id),
    CONSTRAINT audio_runtime_current_device_fkey
    FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id),
    CONSTRAINT audio_runtime_current_session_fkey
    FOREIGN KEY (tenant_id, session_id) REFERENCES os_core.sessions (tenant_id, session_id),
    CONSTRAINT audio_runtime_current_last_event_fkey
    FOREIGN KEY (tenant_id, device_id, last_event_id)
    REFERENCES os_core.audio_runtime_events (tenant_id, device_id, event_id),
    CONSTRAINT audio_runtime_current_device_health_check
    CHECK (device_health IN ('HEALTHY', 'DEGRADED', 'FAILED'))
)
-- Changed by every append, in no indexed column: room on the page keeps the updates there.
WITH (fillfactor = 50);

COMMENT ON TABLE os_core.audio_runtime_current IS
'Projection of the audio runtime ledger: one row a device that has events, as of last_event_id';
COMMENT ON COLUMN os_core.audio_runtime_current.session_id IS 'The latest session given';
COMMENT ON COLUMN os_core.audio_runtime_current.processed_stream_id IS
'Of the later of STREAM_REFS and VAD_EVENT; the other columns are of one kind each';
COMMENT ON COLUMN os_core.audio_runtime_current.raw_stream_id IS
'NULL also when the latest STREAM_REFS named none';
COMMENT ON COLUMN os_core.audio_runtime_current.jitter_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_current.drift_ppm IS 'Parts per million';
COMMENT ON COLUMN os_core.audio_runtime_current.buffer_depth_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_current.last_event_id IS
'The newest event of the device, whatever its kind';
COMMENT ON COLUMN os_core.audio_runtime_current.updated_at IS
'created_at of that event: nanoseconds since 1970 by the device''s clock';

-- The fold. An event sets the columns of its kind wholesale, so the latest event of each kind
-- makes the state, and an index finds those seven without the history before them.

CREATE FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text)
RETURNS SETOF os_core.audio_runtime_current
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
SELECT
    of_tenant_id,
    of_device_id,
    (
        SELECT given.session_id
        FROM os_core.audio_runtime_events AS given
        WHERE
            given.tenant_id = of_tenant_id
            AND given.device_id = of_device_id
            AND given.session_id IS NOT NULL
        ORDER BY given.event_id DESC
        LIMIT 1
    ),
    (
        array_agg(latest.processed_stream_id ORDER BY latest.event_id DESC)
        FILTER (WHERE latest.processed_stream_id IS NOT NULL)
    )[1],
    -- One kind sets each of the columns below, so that max() finds its only value.
    max(latest.raw_stream_id),
    max(latest.pre_roll_buffer_id),
    max(latest.selected_mic),
    max(latest.selected_speaker),
    max(latest.device_health),
    max(latest.jitter_ms),
    max(latest.drift_ppm),
    max(latest.buffer_depth_ms),
    max(latest.underruns),
    max(latest.overruns),
    max(latest.phrase_id),
    max(latest.phrase_text),
    max(latest.reason_code),
    coalesce(bool_or(latest.capture_degraded), FALSE),
    coalesce(bool_or(latest.aec_unstable), FALSE),
    coalesce(bool_or(latest.device_changed), FALSE),
    coalesce(bool_or(latest.stream_gap_detected), FALSE),
    coalesce(bool_or(latest.tts_playback_active), FALSE),
    max(latest.event_id),
    (array_agg(latest.created_at ORDER BY latest.event_id DESC))[1]
FROM (
    VALUES
    ('STREAM_REFS'),
    ('VAD_EVENT'),
    ('DEVICE_STATE'),
    ('TIMING_STATS'),
    ('INTERRUPT_CANDIDATE'),
    ('DEGRADATION_FLAGS'),
    ('TTS_PLAYBACK_ACTIVE')
) AS kind (name)
CROSS JOIN LATERAL (
    SELECT event.*
    FROM os_core.audio_runtime_events AS event
    WHERE
        event.tenant_id = of_tenant_id
        AND event.device_id = of_device_id
        -- A range of one kind, so that only the index by kind has this order: with "=" the
        -- planner may walk back through all kinds, to the beginning when this one is missing.
        AND event.event_kind BETWEEN kind.name AND kind.name
    ORDER BY event.event_kind DESC, event.event_id DESC
    LIMIT 1
) AS latest
HAVING count(*) > 0;
$$;

COMMENT ON FUNCTION os_core.audio_runtime_replay(text, text) IS
'What audio_runtime_current has to say of a device, from the ledger alone; no row: no events';
