-- Binds a device to a tenant, or gives a device of the tenant another type.
-- params: device_id, tenant_id, device_type (NULL: leave it)
-- index: devices_pkey decides whether it is there
-- locks: the device's row
-- returns: the device, and created; no row: it belongs to another tenant
INSERT INTO os_core.devices AS known (device_id, tenant_id, device_type)
VALUES (%(device_id)s, %(tenant_id)s, %(device_type)s)
ON CONFLICT (device_id) DO UPDATE
    SET device_type = coalesce(excluded.device_type, known.device_type)
    WHERE known.tenant_id = excluded.tenant_id
RETURNING
    device_id,
    tenant_id,
    device_type,
    -- A row version that no UPDATE has made has no xmax.
    xmax = 0 AS created;
