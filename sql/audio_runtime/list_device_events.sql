-- Lists the events of a tenant's device in ledger order.
-- Planned for the parameters at hand (never prepared): a filter that is NULL falls away.
-- A step a row: the next one in the index, a piece of which the device is as a range of one.
-- Asked for the page at once, the planner may walk through other devices' rows by another
-- index, or read and sort all of the device's: it thinks that a device of a tenant has few.
-- params: tenant_id, device_id, after (event_id; NULL: from the beginning), row_limit
-- index: ix_audio_runtime_events_tenant_device_time
-- locks: none
-- returns: events in the order of event_id, row_hash in hex
WITH RECURSIVE page AS (
    (
        SELECT
            event,
            1 AS place
        FROM os_core.audio_runtime_events AS event
        WHERE
            event.tenant_id = %(tenant_id)s
            AND event.device_id BETWEEN %(device_id)s AND %(device_id)s
            AND (
                %(after)s::bigint IS NULL
                OR (event.device_id, event.event_id) > (%(device_id)s, %(after)s)
            )
        ORDER BY event.device_id, event.event_id
        LIMIT 1
    )
    UNION ALL
    SELECT
        further.event,
        page.place + 1
    FROM page
    CROSS JOIN
        LATERAL (
            SELECT later AS event
            FROM os_core.audio_runtime_events AS later
            WHERE
                later.tenant_id = %(tenant_id)s
                AND later.device_id BETWEEN %(device_id)s AND %(device_id)s
                AND (later.device_id, later.event_id)
                > (%(device_id)s, (page.event).event_id)
            ORDER BY later.device_id, later.event_id
            LIMIT 1
        ) AS further
    WHERE page.place < %(row_limit)s
)

SELECT
    (page.event).event_id,
    (page.event).tenant_id,
    (page.event).device_id,
    (page.event).session_id,
    (page.event).event_kind,
    (page.event).created_at,
    (page.event).idempotency_key,
    (page.event).processed_stream_id,
    (page.event).raw_stream_id,
    (page.event).pre_roll_buffer_id,
    (page.event).selected_mic,
    (page.event).selected_speaker,
    (page.event).device_health,
    (page.event).jitter_ms,
    (page.event).drift_ppm,
    (page.event).buffer_depth_ms,
    (page.event).underruns,
    (page.event).overruns,
    (page.event).phrase_id,
    (page.event).phrase_text,
    (page.event).reason_code,
    (page.event).capture_degraded,
    (page.event).aec_unstable,
    (page.event).device_changed,
    (page.event).stream_gap_detected,
    (page.event).tts_playback_active,
    encode((page.event).row_hash, 'hex') AS row_hash
FROM page
ORDER BY page.place;
