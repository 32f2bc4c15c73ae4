-- Lists the events of a tenant's device in ledger order.
-- Planned for the given parameters (never prepared), so a filter that is NULL costs nothing.
-- Walks the index one row at a time. BETWEEN x AND x instead of = x forces this index. With one
-- range for the whole page, the planner expects few rows per device; it may walk another index
-- through the rows of other devices, or read and sort all rows of this one.
-- params: tenant_id, device_id, after (event_id; NULL: from the first), row_limit
-- index: ix_audio_runtime_events_tenant_device_time
-- locks: none
-- returns: events in the order of event_id, row_hash in hex
WITH RECURSIVE page AS (
    (
        SELECT
            row(
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
            )::os_core.audio_runtime_event AS ledger_row,
            1 AS place
        FROM os_core.audio_runtime_events AS ledger_row
        WHERE
            ledger_row.tenant_id = %(tenant_id)s
            AND ledger_row.device_id BETWEEN %(device_id)s AND %(device_id)s
            AND (
                %(after)s::bigint IS NULL
                OR (ledger_row.device_id, ledger_row.event_id) > (%(device_id)s, %(after)s)
            )
        ORDER BY ledger_row.device_id, ledger_row.event_id
        LIMIT 1
    )
    UNION ALL
    SELECT
        further.ledger_row,
        page.place + 1
    FROM page
    CROSS JOIN
        LATERAL (
            SELECT
                row(
                    later.event_id, later.tenant_id, later.device_id, later.session_id,
                    later.event_kind, later.created_at, later.idempotency_key,
                    later.processed_stream_id, later.raw_stream_id, later.pre_roll_buffer_id,
                    later.selected_mic, later.selected_speaker, later.device_health,
                    later.jitter_ms, later.drift_ppm, later.buffer_depth_ms, later.underruns,
                    later.overruns, later.phrase_id, later.phrase_text, later.reason_code,
                    later.capture_degraded, later.aec_unstable, later.device_changed,
                    later.stream_gap_detected, later.tts_playback_active, later.row_hash
                )::os_core.audio_runtime_event AS ledger_row
            FROM os_core.audio_runtime_events AS later
            WHERE
                later.tenant_id = %(tenant_id)s
                AND later.device_id BETWEEN %(device_id)s AND %(device_id)s
                AND (later.device_id, later.event_id)
                > (%(device_id)s, (page.ledger_row).event_id)
            ORDER BY later.device_id, later.event_id
            LIMIT 1
        ) AS further
    WHERE page.place < %(row_limit)s
)

SELECT
    (page.ledger_row).event_id,
    (page.ledger_row).tenant_id,
    (page.ledger_row).device_id,
    (page.ledger_row).session_id,
    (page.ledger_row).event_kind,
    (page.ledger_row).created_at,
    (page.ledger_row).idempotency_key,
    (page.ledger_row).processed_stream_id,
    (page.ledger_row).raw_stream_id,
    (page.ledger_row).pre_roll_buffer_id,
    (page.ledger_row).selected_mic,
    (page.ledger_row).selected_speaker,
    (page.ledger_row).device_health,
    (page.ledger_row).jitter_ms,
    (page.ledger_row).drift_ppm,
    (page.ledger_row).buffer_depth_ms,
    (page.ledger_row).underruns,
    (page.ledger_row).overruns,
    (page.ledger_row).phrase_id,
    (page.ledger_row).phrase_text,
    (page.ledger_row).reason_code,
    (page.ledger_row).capture_degraded,
    (page.ledger_row).aec_unstable,
    (page.ledger_row).device_changed,
    (page.ledger_row).stream_gap_detected,
    (page.ledger_row).tts_playback_active,
    encode((page.ledger_row).row_hash, 'hex') AS row_hash
FROM page
ORDER BY page.place;
