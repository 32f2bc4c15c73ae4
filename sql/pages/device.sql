-- Reads one device of a tenant with its current state and its head.
-- params: tenant_id, device_id
-- index: devices_tenant_device_key, audio_runtime_current_pkey, audio_runtime_heads_pkey
-- locks: none
-- returns: the device; no row: it does not exist, or belongs to another tenant
SELECT
    device.tenant_id,
    device.device_id,
    device.device_type,
    device.created_at,
    state.session_id,
    state.processed_stream_id,
    state.selected_mic,
    state.selected_speaker,
    state.device_health,
    state.jitter_ms,
    state.drift_ppm,
    state.buffer_depth_ms,
    state.underruns,
    state.overruns,
    state.last_interrupt_phrase_text,
    coalesce(state.capture_degraded, FALSE) AS capture_degraded,
    coalesce(state.aec_unstable, FALSE) AS aec_unstable,
    coalesce(state.device_changed, FALSE) AS device_changed,
    coalesce(state.stream_gap_detected, FALSE) AS stream_gap_detected,
    state.tts_playback_active,
    state.updated_at,
    head.event_id AS head_event_id,
    encode(head.row_hash, 'hex') AS head_row_hash
FROM os_core.devices AS device
LEFT JOIN os_core.audio_runtime_current AS state
    ON
        device.tenant_id = state.tenant_id
        AND device.device_id = state.device_id
LEFT JOIN os_core.audio_runtime_heads AS head
    ON
        device.tenant_id = head.tenant_id
        AND device.device_id = head.device_id
WHERE
    device.tenant_id = %(tenant_id)s
    AND device.device_id = %(device_id)s;
