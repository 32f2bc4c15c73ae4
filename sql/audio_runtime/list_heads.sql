-- Lists the heads of a tenant's devices, to be kept elsewhere and compared later.
-- Planned for the given parameters (never prepared), so a filter that is NULL costs nothing.
-- params: tenant_id, after (device_id; NULL: from the first), row_limit
-- index: audio_runtime_heads_pkey
-- locks: none
-- returns: tenant_id, device_id, event_id and row_hash (hex) in the order of device_id; devices
-- without events are left out
SELECT
    tenant_id,
    device_id,
    event_id,
    encode(row_hash, 'hex') AS row_hash
FROM os_core.audio_runtime_heads
WHERE
    tenant_id = %(tenant_id)s
    AND (%(after)s::text IS NULL OR device_id > %(after)s)
    AND event_id IS NOT NULL
ORDER BY device_id
LIMIT %(row_limit)s;
