-- Lists a page of the devices that any table of the audio runtime names, even when the tables
-- disagree. Each shard groups the entries of its indexes in their order, since Citus has no
-- recursive query to step from one device to the next: the cost of a page grows with the number of
-- events of its devices.
-- Planned for the given parameters (never prepared), so a filter that is NULL costs nothing.
-- params: tenant_id (NULL: any), after_tenant, after_device (last device of the page before; on
-- the first page the tenant, if any, and an empty text, which no device has), row_limit
-- index: devices_tenant_device_key, audio_runtime_heads_pkey, audio_runtime_current_pkey,
-- ix_audio_runtime_events_tenant_device_time, ux_audit_events_source
-- locks: none
-- returns: tenant_id and device_id, in that order
SELECT
    tenant_id,
    device_id
FROM (
    (
        SELECT
            tenant_id,
            device_id
        FROM os_core.devices
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id, device_id
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
    UNION ALL
    (
        SELECT
            tenant_id,
            device_id
        FROM os_core.audio_runtime_heads
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id, device_id
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
    UNION ALL
    (
        SELECT
            tenant_id,
            device_id
        FROM os_core.audio_runtime_current
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id, device_id
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
    UNION ALL
    (
        SELECT
            tenant_id,
            device_id
        FROM os_core.audio_runtime_events
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id, device_id
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
    UNION ALL
    (
        SELECT
            tenant_id,
            device_id
        FROM audit.audit_events
        WHERE
            (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id, device_id
        ORDER BY tenant_id, device_id
        LIMIT %(row_limit)s
    )
) AS named
GROUP BY tenant_id, device_id
ORDER BY tenant_id, device_id
LIMIT %(row_limit)s;
