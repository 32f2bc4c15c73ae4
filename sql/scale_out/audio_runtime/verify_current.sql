-- Checks that the projection of some devices is equal to the replay of their ledger.
-- params: devices (JSON array of objects with tenant_id and device_id), tenant_id (the only one)
-- index: ix_audio_runtime_events_latest_of_kind and _latest_session; audio_runtime_current_pkey
-- locks: none
-- returns: tenant_id, device_id, event_id (of the newest event, in the ledger or the projection)
-- and problem
SELECT
    wanted.tenant_id,
    wanted.device_id,
    greatest(replayed.last_event_id, stored.last_event_id) AS event_id,
    CASE
        WHEN stored.device_id IS NULL THEN 'projection_missing'
        WHEN replayed.device_id IS NULL THEN 'projection_without_events'
        ELSE 'projection_differs'
    END AS problem
FROM json_to_recordset(%(devices)s::json) AS wanted (tenant_id text, device_id text)
LEFT JOIN LATERAL (
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
                    ledger_row.selected_mic, ledger_row.selected_speaker, ledger_row.device_health,
                    ledger_row.jitter_ms, ledger_row.drift_ppm, ledger_row.buffer_depth_ms,
                    ledger_row.underruns, ledger_row.overruns, ledger_row.phrase_id,
                    ledger_row.phrase_text, ledger_row.reason_code, ledger_row.capture_degraded,
                    ledger_row.aec_unstable, ledger_row.device_changed,
                    ledger_row.stream_gap_detected, ledger_row.tts_playback_active,
                    ledger_row.row_hash
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
) AS latest_events ON TRUE
LEFT JOIN LATERAL os_core.audio_runtime_fold(NULL, latest_events.events) AS replayed ON TRUE
-- By LIMIT: see contradictions.sql.
LEFT JOIN LATERAL (
    SELECT
        known.device_id,
        known.last_event_id,
        row(
            known.tenant_id, known.device_id, known.session_id, known.processed_stream_id,
            known.raw_stream_id, known.pre_roll_buffer_id, known.selected_mic,
            known.selected_speaker, known.device_health, known.jitter_ms, known.drift_ppm,
            known.buffer_depth_ms, known.underruns, known.overruns, known.last_interrupt_phrase_id,
            known.last_interrupt_phrase_text, known.last_interrupt_reason_code,
            known.capture_degraded, known.aec_unstable, known.device_changed,
            known.stream_gap_detected, known.tts_playback_active, known.last_event_id,
            known.updated_at
        )::os_core.audio_runtime_state AS state
    FROM os_core.audio_runtime_current AS known
    WHERE
        known.tenant_id = wanted.tenant_id
        AND known.tenant_id = %(tenant_id)s
        AND known.device_id = wanted.device_id
    ORDER BY known.device_id
    LIMIT 1
) AS stored ON TRUE
WHERE
    num_nonnulls(stored.device_id, replayed.device_id) > 0
    AND stored.state IS DISTINCT FROM replayed;
