-- Makes the projection of some devices equal to the replay of their ledger; rows that are right
-- stay untouched. For a rebuild, and for an append that finds a row which is not at its head.
-- Run it with the heads locked and as a statement of its own: then its snapshot has every event of
-- the devices, including those that this transaction has appended.
-- params: devices (JSON array of objects with tenant_id and device_id; unknown ones are ignored),
-- tenant_id (the only one)
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
    LATERAL (
        SELECT array(
            SELECT latest.ledger_row
            FROM (
                VALUES
                ('STREAM_REFS'),
                ('VAD_EVENT'),
                ('DEVICE_STATE'),
                ('TIMING_STATS'),
                ('INTERRUPT_CANDIDATE'),
                ('DEGRADATION_FLAGS'),
                ('TTS_PLAYBACK_ACTIVE')
            ) AS kind (name)
            CROSS JOIN
                LATERAL (
                    SELECT
                        row(
                            ledger_row.event_id, ledger_row.tenant_id, ledger_row.device_id,
                            ledger_row.session_id, ledger_row.event_kind, ledger_row.created_at,
                            ledger_row.idempotency_key, ledger_row.processed_stream_id,
                            ledger_row.raw_stream_id, ledger_row.pre_roll_buffer_id,
                            ledger_row.selected_mic, ledger_row.selected_speaker,
                            ledger_row.device_health, ledger_row.jitter_ms, ledger_row.drift_ppm,
                            ledger_row.buffer_depth_ms, ledger_row.underruns, ledger_row.overruns,
                            ledger_row.phrase_id, ledger_row.phrase_text, ledger_row.reason_code,
                            ledger_row.capture_degraded, ledger_row.aec_unstable,
                            ledger_row.device_changed, ledger_row.stream_gap_detected,
                            ledger_row.tts_playback_active, ledger_row.row_hash
                        )::os_core.audio_runtime_event AS ledger_row
                    FROM os_core.audio_runtime_events AS ledger_row
                    WHERE
                        ledger_row.tenant_id = wanted.tenant_id
                        AND ledger_row.tenant_id = %(tenant_id)s
                        AND ledger_row.device_id = wanted.device_id
                        AND ledger_row.event_kind BETWEEN kind.name AND kind.name
                    ORDER BY ledger_row.event_kind DESC, ledger_row.event_id DESC
                    LIMIT 1
                ) AS latest
            UNION ALL
            (
                SELECT
                    row(
                        ledger_row.event_id, ledger_row.tenant_id, ledger_row.device_id,
                        ledger_row.session_id, ledger_row.event_kind, ledger_row.created_at,
                        ledger_row.idempotency_key, ledger_row.processed_stream_id,
                        ledger_row.raw_stream_id, ledger_row.pre_roll_buffer_id,
                        ledger_row.selected_mic, ledger_row.selected_speaker,
                        ledger_row.device_health, ledger_row.jitter_ms, ledger_row.drift_ppm,
                        ledger_row.buffer_depth_ms, ledger_row.underruns, ledger_row.overruns,
                        ledger_row.phrase_id, ledger_row.phrase_text, ledger_row.reason_code,
                        ledger_row.capture_degraded, ledger_row.aec_unstable,
                        ledger_row.device_changed, ledger_row.stream_gap_detected,
                        ledger_row.tts_playback_active, ledger_row.row_hash
                    )::os_core.audio_runtime_event AS ledger_row
                FROM os_core.audio_runtime_events AS ledger_row
                WHERE
                    ledger_row.tenant_id = wanted.tenant_id
                    AND ledger_row.tenant_id = %(tenant_id)s
                    AND ledger_row.device_id = wanted.device_id
                    AND ledger_row.session_id IS NOT NULL
                ORDER BY ledger_row.event_id DESC
                LIMIT 1
            )
        ) AS events
    ) AS latest_events
CROSS JOIN LATERAL os_core.audio_runtime_fold(NULL, latest_events.events) AS replayed
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
    row(
        stored.tenant_id, stored.device_id, stored.session_id, stored.processed_stream_id,
        stored.raw_stream_id, stored.pre_roll_buffer_id, stored.selected_mic,
        stored.selected_speaker, stored.device_health, stored.jitter_ms, stored.drift_ppm,
        stored.buffer_depth_ms, stored.underruns, stored.overruns, stored.last_interrupt_phrase_id,
        stored.last_interrupt_phrase_text, stored.last_interrupt_reason_code,
        stored.capture_degraded, stored.aec_unstable, stored.device_changed,
        stored.stream_gap_detected, stored.tts_playback_active, stored.last_event_id,
        stored.updated_at
    )::os_core.audio_runtime_state
    IS DISTINCT FROM row(
        excluded.tenant_id, excluded.device_id, excluded.session_id, excluded.processed_stream_id,
        excluded.raw_stream_id, excluded.pre_roll_buffer_id, excluded.selected_mic,
        excluded.selected_speaker, excluded.device_health, excluded.jitter_ms, excluded.drift_ppm,
        excluded.buffer_depth_ms, excluded.underruns, excluded.overruns,
        excluded.last_interrupt_phrase_id, excluded.last_interrupt_phrase_text,
        excluded.last_interrupt_reason_code, excluded.capture_degraded, excluded.aec_unstable,
        excluded.device_changed, excluded.stream_gap_detected, excluded.tts_playback_active,
        excluded.last_event_id, excluded.updated_at
    )::os_core.audio_runtime_state
RETURNING stored.tenant_id, stored.device_id;
