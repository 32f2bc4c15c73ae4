-- Checks the hash chains of some devices: each row_hash against the one stored before it and
-- the row's own content. A row is named that was changed, that was slipped in, or before which
-- one was removed; when its hash was recomputed, the next row is.
-- params: devices (JSON array of objects with tenant_id, device_id, and where to begin: after,
-- an event_id, and the row_hash that it has, in hex), findings (at the most, of each device)
-- index: ix_audio_runtime_events_tenant_device_time
-- locks: none
-- returns: tenant_id, device_id, event_id and problem, in the order of event_id
SELECT
    wanted.tenant_id,
    wanted.device_id,
    broken.event_id,
    'row_hash_wrong' AS problem
FROM
    json_to_recordset(%(devices)s::json)
        AS wanted (
            tenant_id text, device_id text, after bigint, row_hash text
        )
CROSS JOIN LATERAL (
    SELECT link.event_id
    FROM (
        SELECT
            event.event_id,
            event.row_hash,
            sha256(
                coalesce(
                    lag(event.row_hash) OVER (ORDER BY event.event_id),
                    decode(wanted.row_hash, 'hex')
                )
                || os_core.audio_runtime_event_canonical_v1(
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
                    event.tts_playback_active
                )
            ) AS expected
        FROM os_core.audio_runtime_events AS event
        WHERE
            event.tenant_id = wanted.tenant_id
            AND event.device_id = wanted.device_id
            AND event.event_id > wanted.after
    ) AS link
    WHERE link.row_hash <> link.expected
    ORDER BY link.event_id
    LIMIT %(findings)s
) AS broken;
