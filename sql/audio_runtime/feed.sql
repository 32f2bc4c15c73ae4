-- Lists the next events of a tenant, of all devices, for a follower that has seen each lane up to a
-- position (migration 0016 says why it misses none). First it finds the numbers in the index alone,
-- then the events.
-- params: tenant_id, positions (array of 64 feed numbers, of lane 0 first), row_limit
-- index: ix_audio_runtime_events_tenant_feed
-- locks: none
-- returns: events, row_hash in hex, and their feed_number; in ledger order within a device
WITH following AS MATERIALIZED (
    SELECT numbered.feed_number
    FROM unnest(%(positions)s::bigint[]) WITH ORDINALITY AS lane (position, ordinal)
    CROSS JOIN
        LATERAL (
            SELECT feed_number FROM os_core.audio_runtime_events
            WHERE
                tenant_id = %(tenant_id)s
                AND feed_number > 0
                AND feed_number > lane.position
                AND feed_number < lane.ordinal * 100000000000000000
            ORDER BY tenant_id, feed_number
            LIMIT %(row_limit)s
        ) AS numbered
    ORDER BY mod(numbered.feed_number, 100000000000000000)
    LIMIT %(row_limit)s
)

SELECT
    event.event_id,
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
    encode(event.row_hash, 'hex') AS row_hash,
    event.feed_number
FROM following
INNER JOIN os_core.audio_runtime_events AS event
    ON
        following.feed_number = event.feed_number
        AND event.tenant_id = %(tenant_id)s
        AND event.feed_number > 0
ORDER BY mod(event.feed_number, 100000000000000000);
