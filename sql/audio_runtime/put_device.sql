-- Binds a device to a tenant, or changes the type of a device of the tenant.
-- params: device_id, tenant_id, device_type (NULL: unchanged)
-- index: devices_pkey decides whether the device exists
-- locks: the device's row
-- returns: the device, and created; no row: another tenant has the device
INSERT INTO os_core.devices AS stored (device_id, tenant_id, device_type)
VALUES (%(device_id)s, %(tenant_id)s, %(device_type)s)
ON CONFLICT (device_id) DO UPDATE
    SET device_type = coalesce(excluded.device_type, stored.device_type)
    WHERE stored.tenant_id = excluded.tenant_id
RETURNING
    device_id,
    tenant_id,
    device_type,
    -- xmax is 0 in a row that was inserted, and not in one that was updated.
    xmax = 0 AS created;
