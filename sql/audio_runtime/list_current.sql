-- Lists the current states of a tenant's devices.
-- Planned for the given parameters (never prepared), so a filter that is NULL costs nothing.
-- params: tenant_id, after (device_id; NULL: from the first), row_limit
-- index: audio_runtime_current_pkey
-- locks: none
-- returns: states in the order of device_id
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
WHERE
    tenant_id = %(tenant_id)s
    AND (%(after)s::text IS NULL OR device_id > %(after)s)
ORDER BY device_id
LIMIT %(row_limit)s;
