-- Reads the current state of one device.
-- params: tenant_id, device_id
-- index: audio_runtime_current_pkey
-- locks: none
-- returns: the state; no row: the tenant has no such device, or the device has no events
SELECT
    tenant_id,
    device_id,
    session_id,
    processed_stream_id,
    raw_stream_id,
    pre_roll_buffer_id,
    selected_mic,
    selected_speaker,
    device_health,
    jitter_ms,
    drift_ppm,
    buffer_depth_ms,
    underruns,
    overruns,
    last_interrupt_phrase_id,
    last_interrupt_phrase_text,
    last_interrupt_reason_code,
    capture_degraded,
    aec_unstable,
    device_changed,
    stream_gap_detected,
    tts_playback_active,
    last_event_id,
    updated_at
FROM os_core.audio_runtime_current
WHERE tenant_id = %(tenant_id)s AND device_id = %(device_id)s;
