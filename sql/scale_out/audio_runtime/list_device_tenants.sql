-- Lists the tenants under which any table of the audio runtime names a device: one, unless the
-- tables disagree. Each shard groups its index entries of the device, since Citus has no recursive
-- query to step through them. Without tenant_id these are found by reading whole indexes: the cost
-- grows with the number of events.
-- params: tenant_id (NULL: any), device_id
-- index: devices_tenant_device_key, audio_runtime_heads_pkey, audio_runtime_current_pkey,
-- ix_audio_runtime_events_tenant_device_time, ux_audit_events_source
-- locks: none
-- returns: tenant_id and device_id, in the order of tenant_id
SELECT
    tenant_id,
    %(device_id)s::text AS device_id
FROM (
    (
        SELECT tenant_id
        FROM os_core.devices
        WHERE
            device_id = %(device_id)s
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id
    )
    UNION ALL
    (
        SELECT tenant_id
        FROM os_core.audio_runtime_heads
        WHERE
            device_id = %(device_id)s
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id
    )
    UNION ALL
    (
        SELECT tenant_id
        FROM os_core.audio_runtime_current
        WHERE
            device_id = %(device_id)s
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id
    )
    UNION ALL
    (
        SELECT tenant_id
        FROM os_core.audio_runtime_events
        WHERE
            device_id = %(device_id)s
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id
    )
    UNION ALL
    (
        SELECT tenant_id
        FROM audit.audit_events
        WHERE
            device_id = %(device_id)s
            AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        GROUP BY tenant_id
    )
) AS named
GROUP BY tenant_id
ORDER BY tenant_id;
