-- Reads what the tables beside the ledger record of some devices, for the proof.
-- params: devices (JSON array of objects with place, a number in their order, tenant_id, device_id)
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
LEFT JOIN os_core.devices AS device ON wanted.device_id = device.device_id
LEFT JOIN os_core.audio_runtime_heads AS head
    ON wanted.tenant_id = head.tenant_id AND wanted.device_id = head.device_id
LEFT JOIN os_core.audio_runtime_current AS stored
    ON wanted.tenant_id = stored.tenant_id AND wanted.device_id = stored.device_id
ORDER BY wanted.place;
