-- Lists the first events of a tenant, across its devices.
-- BETWEEN x AND x instead of = x forces the index. With = the planner may walk the events of all
-- tenants, which takes long when this tenant has few events, or only recent ones.
-- any(ARRAY[x]) names the shard; a plain = would let the planner walk the events of all tenants.
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
WHERE
    tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
    AND tenant_id = any(ARRAY[%(tenant_id)s])
ORDER BY tenant_id, event_id
LIMIT %(row_limit)s;
