-- Reads a device of a tenant.
-- params: tenant_id, device_id
-- index: devices_tenant_device_key
-- locks: none
-- returns: the device; no row: it does not exist, or belongs to another tenant
SELECT
    device_id,
    tenant_id,
    device_type
FROM os_core.devices
WHERE device_id = %(device_id)s AND tenant_id = %(tenant_id)s;
