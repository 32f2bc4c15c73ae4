-- Gives the functions of the ledger a form that takes no row type of a table: on a distributed
-- PostgreSQL a row of a shard has another type than the rows of its table. They take a type of
-- their own, and have bodies of text: Citus cannot distribute a function whose body in the
-- standard's form uses the fields of such a type. The forms over row types stay, for the release
-- before this one.
-- depends: 0037_audio_runtime_row_types

SET LOCAL lock_timeout = '5s';

CREATE TYPE os_core.audio_runtime_event AS (
    event_id bigint,
    tenant_id text COLLATE "C",
    device_id text COLLATE "C",
    session_id bigint,
    event_kind text COLLATE "C",
    created_at bigint,
    idempotency_key text COLLATE "C",
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
    tts_playback_active boolean,
    row_hash bytea
);

COMMENT ON TYPE os_core.audio_runtime_event IS
'The columns of audio_runtime_events that an event is made of, and its link';

CREATE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_event, event_id bigint, names bytea
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

CREATE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_event, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT os_core.audio_runtime_event_content(
    event, event.event_id, audio_runtime_event_content.names
)
$$;

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_event)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT os_core.audio_runtime_event_content(
    event, os_core.canonical_names(event.tenant_id, event.device_id)
)
$$;

COMMENT ON FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_event) IS
'The canonical bytes of a stored row, which its row_hash covers, in the version that applies to it';
COMMENT ON FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_event, bytea) IS
'The same as audio_runtime_event_content(event); a caller that goes through the rows of one device '
'computes names once, by canonical_names';
COMMENT ON FUNCTION os_core.audio_runtime_event_content(
    os_core.audio_runtime_event, bigint, bytea
) IS
'The canonical bytes of a row that is to be stored with this event_id';

CREATE FUNCTION os_core.audio_runtime_fold(
    stored os_core.audio_runtime_state, events os_core.audio_runtime_event[]
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
    os_core.audio_runtime_state, os_core.audio_runtime_event[]
) IS
'The state of a device after some of its events. All events must be newer than stored, the state '
'before them (NULL: no state). Returns no row when there are no events';

CREATE OR REPLACE FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text)
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
            SELECT row(
                ledger_row.event_id, ledger_row.tenant_id, ledger_row.device_id,
                ledger_row.session_id, ledger_row.event_kind, ledger_row.created_at,
                ledger_row.idempotency_key, ledger_row.processed_stream_id,
                ledger_row.raw_stream_id, ledger_row.pre_roll_buffer_id, ledger_row.selected_mic,
                ledger_row.selected_speaker, ledger_row.device_health, ledger_row.jitter_ms,
                ledger_row.drift_ppm, ledger_row.buffer_depth_ms, ledger_row.underruns,
                ledger_row.overruns, ledger_row.phrase_id, ledger_row.phrase_text,
                ledger_row.reason_code, ledger_row.capture_degraded, ledger_row.aec_unstable,
                ledger_row.device_changed, ledger_row.stream_gap_detected,
                ledger_row.tts_playback_active, ledger_row.row_hash
            )::os_core.audio_runtime_event AS ledger_row
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
            SELECT row(
                ledger_row.event_id, ledger_row.tenant_id, ledger_row.device_id,
                ledger_row.session_id, ledger_row.event_kind, ledger_row.created_at,
                ledger_row.idempotency_key, ledger_row.processed_stream_id,
                ledger_row.raw_stream_id, ledger_row.pre_roll_buffer_id, ledger_row.selected_mic,
                ledger_row.selected_speaker, ledger_row.device_health, ledger_row.jitter_ms,
                ledger_row.drift_ppm, ledger_row.buffer_depth_ms, ledger_row.underruns,
                ledger_row.overruns, ledger_row.phrase_id, ledger_row.phrase_text,
                ledger_row.reason_code, ledger_row.capture_degraded, ledger_row.aec_unstable,
                ledger_row.device_changed, ledger_row.stream_gap_detected,
                ledger_row.tts_playback_active, ledger_row.row_hash
            )::os_core.audio_runtime_event AS ledger_row
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
