-- Makes the projection of some devices equal to the replay of their ledger; rows that are right
-- stay untouched. For a rebuild, and for an append that finds a row which is not at its head.
-- Run it with the heads locked and as a statement of its own: then its snapshot has every event of
-- the devices, including those that this transaction has appended.
-- params: devices (JSON array of objects with tenant_id and device_id; unknown ones are ignored)
-- index: ix_audio_runtime_events_latest_of_kind and _latest_session; audio_runtime_current_pkey
-- locks: the rows that differ; the caller must hold the locks on the devices' heads
-- returns: tenant_id and device_id of each device whose row was wrong
INSERT INTO os_core.audio_runtime_current AS stored (
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
)
SELECT
    replayed.tenant_id,
    replayed.device_id,
    replayed.session_id,
    replayed.processed_stream_id,
    replayed.raw_stream_id,
    replayed.pre_roll_buffer_id,
    replayed.selected_mic,
    replayed.selected_speaker,
    replayed.device_health,
    replayed.jitter_ms,
    replayed.drift_ppm,
    replayed.buffer_depth_ms,
    replayed.underruns,
    replayed.overruns,
    replayed.last_interrupt_phrase_id,
    replayed.last_interrupt_phrase_text,
    replayed.last_interrupt_reason_code,
    replayed.capture_degraded,
    replayed.aec_unstable,
    replayed.device_changed,
    replayed.stream_gap_detected,
    replayed.tts_playback_active,
    replayed.last_event_id,
    replayed.updated_at
FROM (
    SELECT DISTINCT
        sent.tenant_id,
        sent.device_id
    FROM json_to_recordset(%(devices)s::json) AS sent (tenant_id text, device_id text)
) AS wanted
CROSS JOIN
    LATERAL os_core.audio_runtime_replay(wanted.tenant_id, wanted.device_id) AS replayed
ORDER BY replayed.tenant_id, replayed.device_id
ON CONFLICT (tenant_id, device_id) DO UPDATE
    SET
        session_id = excluded.session_id,
        processed_stream_id = excluded.processed_stream_id,
        raw_stream_id = excluded.raw_stream_id,
        pre_roll_buffer_id = excluded.pre_roll_buffer_id,
        selected_mic = excluded.selected_mic,
        selected_speaker = excluded.selected_speaker,
        device_health = excluded.device_health,
        jitter_ms = excluded.jitter_ms,
        drift_ppm = excluded.drift_ppm,
        buffer_depth_ms = excluded.buffer_depth_ms,
        underruns = excluded.underruns,
        overruns = excluded.overruns,
        last_interrupt_phrase_id = excluded.last_interrupt_phrase_id,
        last_interrupt_phrase_text = excluded.last_interrupt_phrase_text,
        last_interrupt_reason_code = excluded.last_interrupt_reason_code,
        capture_degraded = excluded.capture_degraded,
        aec_unstable = excluded.aec_unstable,
        device_changed = excluded.device_changed,
        stream_gap_detected = excluded.stream_gap_detected,
        tts_playback_active = excluded.tts_playback_active,
        last_event_id = excluded.last_event_id,
        updated_at = excluded.updated_at
    WHERE
    os_core.audio_runtime_state_of(stored.*)
    IS DISTINCT FROM os_core.audio_runtime_state_of(excluded.*)
RETURNING stored.tenant_id, stored.device_id;
