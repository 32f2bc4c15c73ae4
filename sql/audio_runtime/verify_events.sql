-- Checks the events of some devices and their audit rows, in one pass over both.
-- The chain: each row_hash against the stored row_hash before it and the row's own content. It
-- names a row that was changed, or inserted, or that follows a deleted one; when the hash of a
-- changed row was recomputed, it names the next row.
-- The audit trail: each event has its audit row, with the contents that follow from the event, and
-- each audit row has its event. A payload is first compared as text, which is cheap to build, and
-- as jsonb only when the texts differ.
-- after is compared with >=, so that with NULL the check begins at the very first row, whatever its
-- event_id.
-- params: devices (JSON array of objects with tenant_id, device_id, after and row_hash: the
-- event_id to begin behind and its row_hash in hex; after NULL: from the first row), findings (at
-- most so many per device and problem), tenant_id (the only one; NULL: any)
-- index: ix_audio_runtime_events_tenant_device_time, ux_audit_events_source
-- locks: none
-- returns: tenant_id, device_id, event_id and problem
WITH wanted AS MATERIALIZED (
    SELECT
        sent.tenant_id,
        sent.device_id,
        sent.after,
        decode(sent.row_hash, 'hex') AS head,
        os_core.canonical_field(sent.tenant_id)
        || os_core.canonical_field(sent.device_id) AS canonical_names,
        audit.audio_runtime_names(sent.tenant_id, sent.device_id) AS audit_names
    FROM
        json_to_recordset(%(devices)s::json)
            AS sent (
                tenant_id text, device_id text, after bigint, row_hash text
            )
)

SELECT
    wanted.tenant_id,
    wanted.device_id,
    finding.event_id,
    finding.problem
FROM wanted
CROSS JOIN
    LATERAL (
        SELECT
            pair.event_id,
            found.problem,
            row_number() OVER (PARTITION BY found.problem ORDER BY pair.event_id) AS place
        FROM (
            SELECT
                coalesce(link.event_id, trail.source_event_id) AS event_id,
                CASE WHEN link.row_hash <> link.due_hash THEN 'row_hash_wrong' END AS chain_problem,
                CASE
                    WHEN trail.source_event_id IS NULL THEN 'audit_row_missing'
                    WHEN link.event_id IS NULL THEN 'audit_row_without_event'
                    WHEN
                        trail.engine <> 'PH1.K'
                        OR trail.event_type <> link.event_type
                        OR trail.reason_codes <> link.reason_codes
                        OR trail.severity <> link.severity
                        OR (
                            trail.payload_min::text <> link.payload
                            AND trail.payload_min <> link.payload::jsonb
                        )
                        THEN 'audit_row_differs'
                END AS audit_problem
            FROM (
                SELECT
                    ledger.event_id,
                    ledger.row_hash,
                    sha256(
                        coalesce(
                            lag(ledger.row_hash) OVER (
                                ORDER BY ledger.event_id ROWS UNBOUNDED PRECEDING
                            ),
                            wanted.head
                        )
                        || os_core.audio_runtime_event_content(
                            typed.ledger_row, wanted.canonical_names
                        )
                    ) AS due_hash,
                    audit_row.event_type,
                    audit_row.reason_codes,
                    audit_row.severity,
                    audit.audio_runtime_payload(typed.ledger_row, wanted.audit_names) AS payload
                FROM os_core.audio_runtime_events AS ledger
                CROSS JOIN
                    LATERAL (
                        SELECT row(
                            ledger.event_id, ledger.tenant_id, ledger.device_id, ledger.session_id,
                            ledger.event_kind, ledger.created_at, ledger.idempotency_key,
                            ledger.processed_stream_id, ledger.raw_stream_id,
                            ledger.pre_roll_buffer_id, ledger.selected_mic, ledger.selected_speaker,
                            ledger.device_health, ledger.jitter_ms, ledger.drift_ppm,
                            ledger.buffer_depth_ms, ledger.underruns, ledger.overruns,
                            ledger.phrase_id, ledger.phrase_text, ledger.reason_code,
                            ledger.capture_degraded, ledger.aec_unstable, ledger.device_changed,
                            ledger.stream_gap_detected, ledger.tts_playback_active, ledger.row_hash
                        )::os_core.audio_runtime_event AS ledger_row
                    ) AS typed
                CROSS JOIN LATERAL audit.audio_runtime_row(typed.ledger_row) AS audit_row
                WHERE
                    ledger.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
                    AND ledger.device_id = wanted.device_id
                    AND ledger.event_id >= coalesce(wanted.after, '-9223372036854775808')
                    AND ledger.event_id IS DISTINCT FROM wanted.after
            ) AS link
            FULL JOIN (
                SELECT
                    stored.source_event_id,
                    stored.engine,
                    stored.event_type,
                    stored.reason_codes,
                    stored.severity,
                    stored.payload_min
                FROM audit.audit_events AS stored
                WHERE
                    stored.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
                    AND stored.device_id = wanted.device_id
                    AND stored.source_event_id >= coalesce(wanted.after, '-9223372036854775808')
                    AND stored.source_event_id IS DISTINCT FROM wanted.after
            ) AS trail ON link.event_id = trail.source_event_id
        ) AS pair
        CROSS JOIN LATERAL (VALUES (pair.chain_problem), (pair.audit_problem)) AS found (problem)
        -- num_nonnulls is evaluated before the join, and leaves out the many rows that are right.
        WHERE
            num_nonnulls(pair.chain_problem, pair.audit_problem) > 0
            AND found.problem IS NOT NULL
    ) AS finding
WHERE finding.place <= %(findings)s;
