-- The current state of each device: a projection of the ledger. It can be deleted and rebuilt at
-- any time. An append folds its new events into the row of the device (audio_runtime_fold); a
-- rebuild makes the row equal to the replay (audio_runtime_replay), which is the same fold over
-- the ledger, starting from nothing.
-- depends: 0009_audio_runtime_ledger

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
-- Every append updates one row, and no indexed column: with free space on the page, the update
-- stays there and touches no index.
WITH (fillfactor = 50);

COMMENT ON TABLE os_core.audio_runtime_current IS
'Projection of the audio runtime ledger: one row per device that has events, as of last_event_id';
COMMENT ON COLUMN os_core.audio_runtime_current.session_id IS
'Of the latest event that has one';
COMMENT ON COLUMN os_core.audio_runtime_current.processed_stream_id IS
'Of the latest event of kind STREAM_REFS or VAD_EVENT; each column below is set by one kind';
COMMENT ON COLUMN os_core.audio_runtime_current.raw_stream_id IS
'Of the latest STREAM_REFS event; NULL when that event has none';
COMMENT ON COLUMN os_core.audio_runtime_current.jitter_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_current.drift_ppm IS 'Parts per million';
COMMENT ON COLUMN os_core.audio_runtime_current.buffer_depth_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_current.last_event_id IS
'The newest event of the device, of any kind';
COMMENT ON COLUMN os_core.audio_runtime_current.updated_at IS
'created_at of that event: nanoseconds since 1970 by the device''s clock';

-- The state that a row holds. The fold and the replay return this type, not the row type of the
-- table, so that they do not depend on columns that a DBA adds to the table.

CREATE TYPE os_core.audio_runtime_state AS (
    tenant_id text COLLATE "C",
    device_id text COLLATE "C",
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
    capture_degraded boolean,
    aec_unstable boolean,
    device_changed boolean,
    stream_gap_detected boolean,
    tts_playback_active boolean,
    last_event_id bigint,
    updated_at bigint
);

COMMENT ON TYPE os_core.audio_runtime_state IS
'The state of a device: the columns of audio_runtime_current that follow from the ledger';

CREATE FUNCTION os_core.audio_runtime_state_of(stored os_core.audio_runtime_current)
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

COMMENT ON FUNCTION os_core.audio_runtime_state_of(os_core.audio_runtime_current) IS
'The state that a row of the projection holds, to compare it with what the replay gives';

-- The fold. An event sets all columns of its kind, so only the latest event of each kind counts.

CREATE FUNCTION os_core.audio_runtime_fold(
    stored os_core.audio_runtime_current, events os_core.audio_runtime_events[]
)
RETURNS SETOF os_core.audio_runtime_state
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
-- In the order of the type.
SELECT
    max(latest.tenant_id),
    max(latest.device_id),
    coalesce(
        (
            SELECT given.session_id
            FROM unnest(audio_runtime_fold.events) AS given
            WHERE given.session_id IS NOT NULL
            ORDER BY given.event_id DESC
            LIMIT 1
        ),
        (audio_runtime_fold.stored).session_id
    ),
    coalesce(
        (
            array_agg(latest.processed_stream_id ORDER BY latest.event_id DESC)
            FILTER (WHERE latest.processed_stream_id IS NOT NULL)
        )[1],
        (audio_runtime_fold.stored).processed_stream_id
    ),
    -- A STREAM_REFS event always sets pre_roll_buffer_id; its raw_stream_id may be NULL.
    CASE
        WHEN max(latest.pre_roll_buffer_id) IS NULL THEN (audio_runtime_fold.stored).raw_stream_id
        ELSE max(latest.raw_stream_id)
    END,
    -- Each column below is set by one kind alone, so max() returns the only value.
    coalesce(max(latest.pre_roll_buffer_id), (audio_runtime_fold.stored).pre_roll_buffer_id),
    coalesce(max(latest.selected_mic), (audio_runtime_fold.stored).selected_mic),
    coalesce(max(latest.selected_speaker), (audio_runtime_fold.stored).selected_speaker),
    coalesce(max(latest.device_health), (audio_runtime_fold.stored).device_health),
    coalesce(max(latest.jitter_ms), (audio_runtime_fold.stored).jitter_ms),
    coalesce(max(latest.drift_ppm), (audio_runtime_fold.stored).drift_ppm),
    coalesce(max(latest.buffer_depth_ms), (audio_runtime_fold.stored).buffer_depth_ms),
    coalesce(max(latest.underruns), (audio_runtime_fold.stored).underruns),
    coalesce(max(latest.overruns), (audio_runtime_fold.stored).overruns),
    coalesce(max(latest.phrase_id), (audio_runtime_fold.stored).last_interrupt_phrase_id),
    coalesce(max(latest.phrase_text), (audio_runtime_fold.stored).last_interrupt_phrase_text),
    coalesce(max(latest.reason_code), (audio_runtime_fold.stored).last_interrupt_reason_code),
    coalesce(bool_or(latest.capture_degraded), (audio_runtime_fold.stored).capture_degraded, FALSE),
    coalesce(bool_or(latest.aec_unstable), (audio_runtime_fold.stored).aec_unstable, FALSE),
    coalesce(bool_or(latest.device_changed), (audio_runtime_fold.stored).device_changed, FALSE),
    coalesce(
        bool_or(latest.stream_gap_detected), (audio_runtime_fold.stored).stream_gap_detected, FALSE
    ),
    coalesce(
        bool_or(latest.tts_playback_active), (audio_runtime_fold.stored).tts_playback_active, FALSE
    ),
    max(latest.event_id),
    (array_agg(latest.created_at ORDER BY latest.event_id DESC))[1]
FROM (
    SELECT DISTINCT ON (event.event_kind) event.*
    FROM unnest(audio_runtime_fold.events) AS event
    ORDER BY event.event_kind ASC, event.event_id DESC
) AS latest
HAVING count(*) > 0;
$$;

COMMENT ON FUNCTION os_core.audio_runtime_fold(
    os_core.audio_runtime_current, os_core.audio_runtime_events[]
) IS
'The row of audio_runtime_current after some events of one device. All events must be newer than '
'stored, the row before them (NULL: no row). Returns no row when there are no events';

CREATE FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text)
RETURNS SETOF os_core.audio_runtime_state
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
-- MATERIALIZED, because the fold refers to its events twice and would look them up twice.
WITH latest_events AS MATERIALIZED (
    -- The state depends on eight events alone: the latest of each kind, and the latest with a
    -- session. Indexes find them without reading the history.
    SELECT array(
        SELECT latest.ledger_row
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
            SELECT (ledger_row.*)::os_core.audio_runtime_events AS ledger_row
            FROM os_core.audio_runtime_events AS ledger_row
            WHERE
                ledger_row.tenant_id = audio_runtime_replay.of_tenant_id
                AND ledger_row.device_id = audio_runtime_replay.of_device_id
                -- BETWEEN x AND x instead of = x forces the index on the kind. With = the planner
                -- may walk the events of all kinds back to the first, when this kind has none.
                AND ledger_row.event_kind BETWEEN kind.name AND kind.name
            ORDER BY ledger_row.event_kind DESC, ledger_row.event_id DESC
            LIMIT 1
        ) AS latest
        UNION ALL
        (
            SELECT (ledger_row.*)::os_core.audio_runtime_events AS ledger_row
            FROM os_core.audio_runtime_events AS ledger_row
            WHERE
                ledger_row.tenant_id = audio_runtime_replay.of_tenant_id
                AND ledger_row.device_id = audio_runtime_replay.of_device_id
                AND ledger_row.session_id IS NOT NULL
            ORDER BY ledger_row.event_id DESC
            LIMIT 1
        )
    ) AS events
)

SELECT folded.*
FROM latest_events
CROSS JOIN LATERAL os_core.audio_runtime_fold(NULL, latest_events.events) AS folded;
$$;

COMMENT ON FUNCTION os_core.audio_runtime_replay(text, text) IS
'The row that audio_runtime_current must have for a device, from the ledger alone; no row: the '
'device has no events';
