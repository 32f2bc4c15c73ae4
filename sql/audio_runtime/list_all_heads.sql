-- Lists the ends of the chains of all devices, or of one tenant's, page by page, to be kept
-- elsewhere. Planned for the parameters at hand (never prepared): a filter that is NULL falls away.
-- params: tenant_id (NULL: any), after_tenant, after_device (the last device of the page before;
-- empty texts: from the beginning), row_limit
-- index: audio_runtime_heads_pkey
-- locks: none
-- returns: tenant_id, device_id, event_id and row_hash (hex), by tenant_id and device_id; no row
-- for a device without events
SELECT
    tenant_id,
    device_id,
    event_id,
    encode(row_hash, 'hex') AS row_hash
FROM os_core.audio_runtime_heads
WHERE
    (tenant_id, device_id) > (%(after_tenant)s, %(after_device)s)
    AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
    AND event_id IS NOT NULL
ORDER BY tenant_id, device_id
LIMIT %(row_limit)s;
