-- Lists the tenants under which any table of the audio runtime names a device: one, unless the
-- tables disagree. Without tenant_id it steps from one tenant to the next in the index of each
-- table, so the cost grows with the number of tenants, not of devices or events.
-- Each lookup is a min(), which reads one index entry.
-- params: tenant_id (NULL: any), device_id
-- index: devices_tenant_device_key, audio_runtime_heads_pkey, audio_runtime_current_pkey,
-- ix_audio_runtime_events_tenant_device_time, ux_audit_events_source
-- locks: none
-- returns: tenant_id and device_id, in the order of tenant_id
WITH RECURSIVE tenant AS (
    SELECT coalesce(%(tenant_id)s::text, '') COLLATE "C" AS name
    UNION ALL
    SELECT
        least(
            (
                SELECT min(tenant_id) FROM os_core.devices
                WHERE tenant_id > tenant.name
            ),
            (
                SELECT min(tenant_id) FROM os_core.audio_runtime_heads
                WHERE tenant_id > tenant.name
            ),
            (
                SELECT min(tenant_id) FROM os_core.audio_runtime_current
                WHERE tenant_id > tenant.name
            ),
            (
                SELECT min(tenant_id) FROM os_core.audio_runtime_events
                WHERE tenant_id > tenant.name
            ),
            (
                SELECT min(tenant_id) FROM audit.audit_events
                WHERE tenant_id > tenant.name
            )
        )
    FROM tenant
    WHERE tenant.name IS NOT NULL AND %(tenant_id)s::text IS NULL
)

SELECT
    tenant.name AS tenant_id,
    %(device_id)s::text AS device_id
FROM tenant
WHERE
    num_nonnulls(
        (
            SELECT min(device_id) FROM os_core.devices
            WHERE tenant_id = tenant.name AND device_id BETWEEN %(device_id)s AND %(device_id)s
        ),
        (
            SELECT min(device_id) FROM os_core.audio_runtime_heads
            WHERE tenant_id = tenant.name AND device_id BETWEEN %(device_id)s AND %(device_id)s
        ),
        (
            SELECT min(device_id) FROM os_core.audio_runtime_current
            WHERE tenant_id = tenant.name AND device_id BETWEEN %(device_id)s AND %(device_id)s
        ),
        (
            SELECT min(device_id) FROM os_core.audio_runtime_events
            WHERE tenant_id = tenant.name AND device_id BETWEEN %(device_id)s AND %(device_id)s
        ),
        (
            SELECT min(device_id) FROM audit.audit_events
            WHERE tenant_id = tenant.name AND device_id BETWEEN %(device_id)s AND %(device_id)s
        )
    ) > 0
ORDER BY tenant.name;
