-- Lists the first of a tenant's events, of whatever device.
-- The tenant is asked for as a range of one, in order: with "=" the planner may walk through
-- the events of all tenants, which takes long when this one's are few or new.
-- params: tenant_id, row_limit
-- index: ix_audio_runtime_events_tenant
-- locks: none
-- returns: events in the order of event_id, row_hash in hex
SELECT
    event_id,
    tenant_id,
    device_id,
    session_id,
    event_kind,
    created_at,
    idempotency_key,
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
    phrase_id,
    phrase_text,
    reason_code,
    capture_degraded,
    aec_unstable,
    device_changed,
    stream_gap_detected,
    tts_playback_active,
    encode(row_hash, 'hex') AS row_hash
FROM os_core.audio_runtime_events
WHERE tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
ORDER BY tenant_id, event_id
LIMIT %(row_limit)s;
