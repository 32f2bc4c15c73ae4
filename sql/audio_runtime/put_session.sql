-- Opens a session on a device of the tenant, or moves a session of the tenant to the device.
-- params: session_id, tenant_id, device_id
-- index: sessions_pkey decides whether the session exists; devices_pkey
-- locks: the session's row; the device against deletion
-- returns: the session, and created; no row: the tenant has no such device, or another tenant has
-- the session
INSERT INTO os_core.sessions AS stored (session_id, tenant_id, device_id)
SELECT
    %(session_id)s::bigint,
    device.tenant_id,
    device.device_id
FROM os_core.devices AS device
WHERE device.device_id = %(device_id)s AND device.tenant_id = %(tenant_id)s
ON CONFLICT (session_id) DO UPDATE
    SET device_id = excluded.device_id
    WHERE stored.tenant_id = excluded.tenant_id
RETURNING
    session_id,
    tenant_id,
    device_id,
    -- xmax is 0 in a row that was inserted, and not in one that was updated.
    xmax = 0 AS created;
