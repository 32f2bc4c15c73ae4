-- Reads the events of some devices for the proof: stored values alone, no function of ours.
-- It is read through a cursor, so that a long history takes no memory. In the order of the index
-- and of the devices: sorting all of it would take memory and time. The proof checks the order.
-- A device is a range of one, in an order that begins with it: with "=", statistics of one device
-- may lead the planner to read the whole ledger by its primary key.
-- params: devices (JSON array of objects with place, a number in their order, tenant_id, device_id
-- and after, an event_id to begin behind; NULL: with the very first row), tenant_id (the
-- only one; NULL: any)
-- index: ix_audio_runtime_events_tenant_device_time, sessions_pkey
-- locks: none
-- returns: place, session_known (the event has no session, or one of its tenant), and all columns,
-- in the order of place and event_id
SELECT
    wanted.place,
    event.session_known,
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
        AS wanted (place integer, tenant_id text, device_id text, after bigint)
CROSS JOIN LATERAL (
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
        ledger.row_hash,
        ledger.session_id IS NULL OR EXISTS (
            SELECT 1 AS found
            FROM os_core.sessions AS session
            WHERE
                session.session_id = ledger.session_id
                AND session.tenant_id = ledger.tenant_id
        ) AS session_known
    FROM os_core.audio_runtime_events AS ledger
    WHERE
        ledger.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND ledger.device_id BETWEEN wanted.device_id AND wanted.device_id
        AND (ledger.device_id, ledger.event_id)
        >= (wanted.device_id, coalesce(wanted.after, '-9223372036854775808'))
        AND ledger.event_id IS DISTINCT FROM wanted.after
    ORDER BY ledger.device_id, ledger.event_id
) AS event;
