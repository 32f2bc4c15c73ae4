-- Lists the devices that any table of the audio runtime speaks of, page by page, whether or not
-- the tables agree. In the ledger and in the audit trail each step jumps to the next device in
-- the index, so that the cost grows with the number of devices, not of events. (The tenant is
-- asked for as a range: with "=" the planner might take an index by tenant and sort.)
-- Planned for the parameters at hand (never prepared): a filter that is NULL falls away.
-- params: tenant_id, device_id (NULL: any), after_tenant, after_device (the last of the page
-- before; empty texts: from the beginning), row_limit
-- index: devices_tenant_device_key, audio_runtime_heads_pkey, audio_runtime_current_pkey,
-- ix_audio_runtime_events_tenant_device_time, ux_audit_events_source
-- locks: none
-- returns: tenant_id and device_id, in that order
WITH RECURSIVE in_ledger AS (
    (
        SELECT
            step.tenant_id,
            step.device_id,
            1 AS place
        FROM os_core.audio_runtime_events AS step
        WHERE
            (step.tenant_id, step.device_id) > (%(after_tenant)s, %(after_device)s)
            AND (
                %(tenant_id)s::text IS NULL
                OR step.tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
            )
            AND (%(device_id)s::text IS NULL OR step.device_id = %(device_id)s)
        ORDER BY step.tenant_id, step.device_id
        LIMIT 1
    )
    UNION ALL
    SELECT
        further.tenant_id,
        further.device_id,
        in_ledger.place + 1
    FROM in_ledger
    CROSS JOIN
        LATERAL (
            SELECT
                step.tenant_id,
                step.device_id
            FROM os_core.audio_runtime_events AS step
            WHERE
                (step.tenant_id, step.device_id) > (in_ledger.tenant_id, in_ledger.device_id)
                AND (
                    %(tenant_id)s::text IS NULL
                    OR step.tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
                )
                AND (%(device_id)s::text IS NULL OR step.device_id = %(device_id)s)
            ORDER BY step.tenant_id, step.device_id
            LIMIT 1
        ) AS further
    WHERE in_ledger.place < %(row_limit)s
),

in_audit AS (
    (
        SELECT
            step.tenant_id,
            step.device_id,
            1 AS place
        FROM audit.audit_events AS step
        WHERE
            (step.tenant_id, step.device_id) > (%(after_tenant)s, %(after_device)s)
            AND (
                %(tenant_id)s::text IS NULL
                OR step.tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
            )
            AND (%(device_id)s::text IS NULL OR step.device_id = %(device_id)s)
        ORDER BY step.tenant_id, step.device_id
        LIMIT 1
    )
    UNION ALL
    SELECT
        further.tenant_id,
        further.device_id,
        in_audit.place + 1
    FROM in_audit
    CROSS JOIN
        LATERAL (
            SELECT
                step.tenant_id,
                step.device_id
            FROM audit.audit_events AS step
            WHERE
                (step.tenant_id, step.device_id) > (in_audit.tenant_id, in_audit.device_id)
                AND (
                    %(tenant_id)s::text IS NULL
                    OR step.tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
                )
                AND (%(device_id)s::text IS NULL OR step.device_id = %(device_id)s)
            ORDER BY step.tenant_id, step.device_id
            LIMIT 1
        ) AS further
    WHERE in_audit.place < %(row_limit)s
)

SELECT
    named.tenant_id,
    named.device_id
FROM (
    (
        SELECT
            tenant_id,
            device_id
        FROM os_core.devices
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
            AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
    UNION
    (
        SELECT
            tenant_id,
            device_id
        FROM os_core.audio_runtime_heads
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
            AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
    UNION
    (
        SELECT
            tenant_id,
            device_id
        FROM os_core.audio_runtime_current
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
            AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
    UNION
    SELECT
        in_ledger.tenant_id,
        in_ledger.device_id
    FROM in_ledger
    UNION
    SELECT
        in_audit.tenant_id,
        in_audit.device_id
    FROM in_audit
) AS named
ORDER BY named.tenant_id, named.device_id
LIMIT %(row_limit)s;
