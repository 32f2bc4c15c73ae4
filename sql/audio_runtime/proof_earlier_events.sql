-- Reads, for a proof that begins behind a known event, the events up to it that the rest depends
-- on: the latest of each kind, the latest with a session, the newest, and that of a kept head.
-- Each is looked up by a range in the order of its index: see proof_events.sql.
-- params: devices (JSON array of objects with place, a number in their order, tenant_id, device_id,
-- after, an event_id, and kept_event_id), kinds (array of event kinds), tenant_id (the
-- only one; NULL: any)
-- index: ix_audio_runtime_events_latest_of_kind, _latest_session and _tenant_device_time
-- locks: none
-- returns: place and all columns, in the order of place and event_id
SELECT
    wanted.place,
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
    event.row_hash
FROM
    json_to_recordset(%(devices)s::json)
        AS wanted (
            place integer, tenant_id text, device_id text, after bigint, kept_event_id bigint
        )
CROSS JOIN
    LATERAL (
        SELECT latest.event_id
        FROM unnest(%(kinds)s::text[]) AS kind (name)
        CROSS JOIN
            LATERAL (
                SELECT ledger.event_id
                FROM os_core.audio_runtime_events AS ledger
                WHERE
                    ledger.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
                    AND ledger.device_id = wanted.device_id
                    AND ledger.event_kind BETWEEN kind.name AND kind.name
                    AND (ledger.event_kind, ledger.event_id) <= (kind.name, wanted.after)
                ORDER BY ledger.event_kind DESC, ledger.event_id DESC
                LIMIT 1
            ) AS latest
        UNION
        (
            SELECT ledger.event_id
            FROM os_core.audio_runtime_events AS ledger
            WHERE
                ledger.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
                AND ledger.device_id BETWEEN wanted.device_id AND wanted.device_id
                AND ledger.session_id IS NOT NULL
                AND (ledger.device_id, ledger.event_id) <= (wanted.device_id, wanted.after)
            ORDER BY ledger.device_id DESC, ledger.event_id DESC
            LIMIT 1
        )
        UNION
        (
            SELECT ledger.event_id
            FROM os_core.audio_runtime_events AS ledger
            WHERE
                ledger.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
                AND ledger.device_id BETWEEN wanted.device_id AND wanted.device_id
                AND (ledger.device_id, ledger.event_id) <= (wanted.device_id, wanted.after)
            ORDER BY ledger.device_id DESC, ledger.event_id DESC
            LIMIT 1
        )
        UNION
        SELECT wanted.kept_event_id
        WHERE wanted.kept_event_id <= wanted.after
    ) AS needed
CROSS JOIN
    LATERAL (
        SELECT
            ledger.event_id,
            ledger.tenant_id,
            ledger.device_id,
            ledger.session_id,
            ledger.event_kind,
            ledger.created_at,
            ledger.idempotency_key,
            ledger.processed_stream_id,
            ledger.raw_stream_id,
            ledger.pre_roll_buffer_id,
            ledger.selected_mic,
            ledger.selected_speaker,
            ledger.device_health,
            ledger.jitter_ms,
            ledger.drift_ppm,
            ledger.buffer_depth_ms,
            ledger.underruns,
            ledger.overruns,
            ledger.phrase_id,
            ledger.phrase_text,
            ledger.reason_code,
            ledger.capture_degraded,
            ledger.aec_unstable,
            ledger.device_changed,
            ledger.stream_gap_detected,
            ledger.tts_playback_active,
            ledger.row_hash
        FROM os_core.audio_runtime_events AS ledger
        WHERE
            ledger.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
            AND ledger.device_id BETWEEN wanted.device_id AND wanted.device_id
            AND ledger.event_id BETWEEN needed.event_id AND needed.event_id
        ORDER BY ledger.device_id, ledger.event_id
        LIMIT 1
    ) AS event
ORDER BY wanted.place, event.event_id;
