-- Lists the events of a device, newest first. BETWEEN x AND x instead of = x forces the index. With
-- = the planner may walk the events of all devices.
-- params: tenant_id, device_id, before (event_id; NULL: from the newest), row_limit
-- index: ix_audio_runtime_events_tenant_device_time
-- locks: none
-- returns: events, and the fields of their kind as JSON
SELECT
    event_id,
    event_kind,
    created_at,
    session_id,
    encode(row_hash, 'hex') AS row_hash,
    jsonb_strip_nulls(
        jsonb_build_object(
            'processed_stream_id', processed_stream_id,
            'raw_stream_id', raw_stream_id,
            'pre_roll_buffer_id', pre_roll_buffer_id,
            'selected_mic', selected_mic,
            'selected_speaker', selected_speaker,
            'device_health', device_health,
            'jitter_ms', jitter_ms,
            'drift_ppm', drift_ppm,
            'buffer_depth_ms', buffer_depth_ms,
            'underruns', underruns,
            'overruns', overruns,
            'phrase_id', phrase_id,
            'phrase_text', phrase_text,
            'reason_code', reason_code,
            'capture_degraded', capture_degraded,
            'aec_unstable', aec_unstable,
            'device_changed', device_changed,
            'stream_gap_detected', stream_gap_detected,
            'tts_playback_active', tts_playback_active
        )
    ) AS fields
FROM os_core.audio_runtime_events
WHERE
    tenant_id = %(tenant_id)s
    AND device_id BETWEEN %(device_id)s AND %(device_id)s
    AND (%(before)s::bigint IS NULL OR event_id < %(before)s)
ORDER BY tenant_id DESC, device_id DESC, event_id DESC
LIMIT %(row_limit)s;
