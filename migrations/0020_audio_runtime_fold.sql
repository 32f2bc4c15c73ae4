-- What events make of a device's state, said once: of the state before them when they are
-- appended, of none when the projection is rebuilt from the latest ones.
-- depends: 0009_audio_runtime_current 0019_runs_index_agent_newest

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION os_core.audio_runtime_fold(
    known os_core.audio_runtime_current, events os_core.audio_runtime_events[]
)
RETURNS SETOF os_core.audio_runtime_current
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
SELECT
    max(latest.tenant_id),
    max(latest.device_id),
    coalesce(
        (
            SELECT given.session_id
            FROM unnest(events) AS given
            WHERE given.session_id IS NOT NULL
            ORDER BY given.event_id DESC
            LIMIT 1
        ),
        (known).session_id
    ),
    coalesce(
        (
            array_agg(latest.processed_stream_id ORDER BY latest.event_id DESC)
            FILTER (WHERE latest.processed_stream_id IS NOT NULL)
        )[1],
        (known).processed_stream_id
    ),
    -- The one field that its kind may leave out.
    CASE
        WHEN max(latest.pre_roll_buffer_id) IS NULL THEN (known).raw_stream_id
        ELSE max(latest.raw_stream_id)
    END,
    -- One kind sets each of the columns below, so that max() finds its only value.
    coalesce(max(latest.pre_roll_buffer_id), (known).pre_roll_buffer_id),
    coalesce(max(latest.selected_mic), (known).selected_mic),
    coalesce(max(latest.selected_speaker), (known).selected_speaker),
    coalesce(max(latest.device_health), (known).device_health),
    coalesce(max(latest.jitter_ms), (known).jitter_ms),
    coalesce(max(latest.drift_ppm), (known).drift_ppm),
    coalesce(max(latest.buffer_depth_ms), (known).buffer_depth_ms),
    coalesce(max(latest.underruns), (known).underruns),
    coalesce(max(latest.overruns), (known).overruns),
    coalesce(max(latest.phrase_id), (known).last_interrupt_phrase_id),
    coalesce(max(latest.phrase_text), (known).last_interrupt_phrase_text),
    coalesce(max(latest.reason_code), (known).last_interrupt_reason_code),
    coalesce(bool_or(latest.capture_degraded), (known).capture_degraded, FALSE),
    coalesce(bool_or(latest.aec_unstable), (known).aec_unstable, FALSE),
    coalesce(bool_or(latest.device_changed), (known).device_changed, FALSE),
    coalesce(bool_or(latest.stream_gap_detected), (known).stream_gap_detected, FALSE),
    coalesce(bool_or(latest.tts_playback_active), (known).tts_playback_active, FALSE),
    max(latest.event_id),
    (array_agg(latest.created_at ORDER BY latest.event_id DESC))[1]
FROM (
    SELECT DISTINCT ON (event.event_kind) event.*
    FROM unnest(events) AS event
    ORDER BY event.event_kind ASC, event.event_id DESC
) AS latest
HAVING count(*) > 0;
$$;

COMMENT ON FUNCTION os_core.audio_runtime_fold(
    os_core.audio_runtime_current, os_core.audio_runtime_events[]
) IS
'What audio_runtime_current has to say of a device after some events of it, all of them newer '
'than what is known (NULL: nothing is). An event sets the columns of its kind wholesale';

CREATE OR REPLACE FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text)
RETURNS SETOF os_core.audio_runtime_current
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
-- Materialized, as the fold names its events twice.
WITH telling AS MATERIALIZED (
    -- The latest event of each kind makes the state, and the latest that gave a session; indexes
    -- find these eight without the history before them.
    SELECT array(
        SELECT latest.event
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
            SELECT event
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
        UNION ALL
        (
            SELECT event
            FROM os_core.audio_runtime_events AS event
            WHERE
                event.tenant_id = of_tenant_id
                AND event.device_id = of_device_id
                AND event.session_id IS NOT NULL
            ORDER BY event.event_id DESC
            LIMIT 1
        )
    ) AS events
)

SELECT folded.*
FROM telling
CROSS JOIN LATERAL os_core.audio_runtime_fold(NULL, telling.events) AS folded;
$$;

CREATE FUNCTION os_core.audio_runtime_event_chained(
    event os_core.audio_runtime_events, event_id bigint, row_hash bytea
)
RETURNS os_core.audio_runtime_events
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN row(
    event_id,
    event.tenant_id,
    event.device_id,
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
    event.tts_playback_active,
    row_hash
)::os_core.audio_runtime_events;

COMMENT ON FUNCTION os_core.audio_runtime_event_chained(
    os_core.audio_runtime_events, bigint, bytea
) IS
'The event with its place in the ledger: the identity drawn for it, and the hash of its row';

CREATE FUNCTION os_core.audio_runtime_collision() RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE serialization_failure USING MESSAGE = 'somebody else appended for the same device';
END;
$$;

COMMENT ON FUNCTION os_core.audio_runtime_collision() IS
'Undoes the append that calls it; the same append, begun anew, sees what it had missed';
