-- Reads the events of a device up to its head, for an archive: stored values alone. It is read
-- through a cursor, so that a long history takes no memory.
-- params: tenant_id, device_id, up_to (event_id)
-- index: ix_audio_runtime_events_tenant_device_time
-- locks: none
-- returns: all columns, in the order of event_id
SELECT
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
FROM os_core.audio_runtime_events AS event
WHERE
    event.tenant_id = %(tenant_id)s
    AND event.device_id BETWEEN %(device_id)s AND %(device_id)s
    AND event.event_id <= %(up_to)s
ORDER BY event.device_id, event.event_id;
