SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_collision();

DROP FUNCTION os_core.audio_runtime_event_chained;

CREATE OR REPLACE FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text)
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

DROP FUNCTION os_core.audio_runtime_fold;
