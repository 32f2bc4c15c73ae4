-- Checks that each event of some devices has its audit row and that the row says what the event
-- gives, and that no audit row stands for an event that is not there.
-- params: devices (JSON array of objects with tenant_id, device_id, and after, an event_id to
-- begin behind), findings (at the most, of each device and each problem)
-- index: ix_audio_runtime_events_tenant_device_time, ux_audit_events_source
-- locks: none
-- returns: tenant_id, device_id, event_id and problem
SELECT
    wanted.tenant_id,
    wanted.device_id,
    finding.event_id,
    finding.problem
FROM json_to_recordset(%(devices)s::json) AS wanted (tenant_id text, device_id text, after bigint)
CROSS JOIN LATERAL (
    (
        SELECT
            event.event_id,
            CASE
                WHEN known.audit_event_id IS NULL THEN 'audit_row_missing'
                ELSE 'audit_row_differs'
            END AS problem
        FROM os_core.audio_runtime_events AS event
        LEFT JOIN audit.audit_events AS known
            ON
                (known.tenant_id, known.device_id, known.source_event_id)
                = (event.tenant_id, event.device_id, event.event_id)
        CROSS JOIN LATERAL audit.audio_runtime_row(event) AS expected
        WHERE
            event.tenant_id = wanted.tenant_id
            AND event.device_id = wanted.device_id
            AND event.event_id > wanted.after
            AND (
                known.audit_event_id IS NULL
                OR known.engine <> 'PH1.K'
                OR known.event_type <> expected.event_type
                OR known.reason_codes <> expected.reason_codes
                OR known.severity <> expected.severity
                OR known.payload_min <> expected.payload_min
            )
        ORDER BY event.event_id
        LIMIT %(findings)s
    )
    UNION ALL
    (
        SELECT
            known.source_event_id,
            'audit_row_without_event'
        FROM audit.audit_events AS known
        LEFT JOIN os_core.audio_runtime_events AS event
            ON
                (known.tenant_id, known.device_id, known.source_event_id)
                = (event.tenant_id, event.device_id, event.event_id)
        WHERE
            known.tenant_id = wanted.tenant_id
            AND known.device_id = wanted.device_id
            AND known.source_event_id > wanted.after
            AND event.event_id IS NULL
        ORDER BY known.source_event_id
        LIMIT %(findings)s
    )
) AS finding;
