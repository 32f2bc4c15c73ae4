-- Reads what the tables beside the ledger record of some devices, for the proof.
-- Each row is looked up by LIMIT: see contradictions.sql.
-- params: devices (JSON array of objects with place, a number in their order, tenant_id,
-- device_id), tenant_id (the only one; NULL: any)
-- index: devices_pkey, audio_runtime_heads_pkey, audio_runtime_current_pkey
-- locks: none
-- returns: place, bound_to (the device's tenant; NULL: no such device), has_head, head_event_id,
-- head_row_hash, and the columns of the projection (tenant_id NULL: no row), in the order of place
SELECT
    wanted.place,
    device.tenant_id AS bound_to,
    head.device_id IS NOT NULL AS has_head,
    head.event_id AS head_event_id,
    head.row_hash AS head_row_hash,
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
FROM
    json_to_recordset(%(devices)s::json)
        AS wanted (place integer, tenant_id text, device_id text)
LEFT JOIN LATERAL (
    SELECT known.tenant_id
    FROM os_core.devices AS known
    WHERE known.device_id BETWEEN wanted.device_id AND wanted.device_id
    ORDER BY known.device_id
    LIMIT 1
) AS device ON TRUE
LEFT JOIN LATERAL (
    SELECT
        known.device_id,
        known.event_id,
        known.row_hash
    FROM os_core.audio_runtime_heads AS known
    WHERE
        known.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND known.device_id = wanted.device_id
    ORDER BY known.device_id
    LIMIT 1
) AS head ON TRUE
LEFT JOIN LATERAL (
    SELECT known.*
    FROM os_core.audio_runtime_current AS known
    WHERE
        known.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND known.device_id = wanted.device_id
    ORDER BY known.device_id
    LIMIT 1
) AS stored ON TRUE
ORDER BY wanted.place;
