-- Opens a session on a device of the tenant, or moves a session of the tenant to it.
-- params: session_id, tenant_id, device_id
-- index: sessions_pkey decides whether it is there; devices_pkey
-- locks: the session's row; the device against deletion
-- returns: the session, and created; no row: the device is not the tenant's, or the session
-- belongs to another tenant
INSERT INTO os_core.sessions AS known (session_id, tenant_id, device_id)
SELECT
    %(session_id)s::bigint,
    device.tenant_id,
    device.device_id
FROM os_core.devices AS device
WHERE device.device_id = %(device_id)s AND device.tenant_id = %(tenant_id)s
ON CONFLICT (session_id) DO UPDATE
    SET device_id = excluded.device_id
    WHERE known.tenant_id = excluded.tenant_id
RETURNING
    session_id,
    tenant_id,
    device_id,
    -- A row version that no UPDATE has made has no xmax.
    xmax = 0 AS created;
