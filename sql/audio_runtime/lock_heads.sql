-- Locks the heads of some devices, so that no other writer appends for them until the transaction
-- ends. In sorted order, so that two batches never deadlock. Its snapshot is older than its locks,
-- so append.sql has to be a later statement of the transaction.
-- params: devices (JSON array of objects with tenant_id and device_id; unknown ones are ignored),
-- tenant_id (the only one; NULL: any)
-- index: audio_runtime_heads_pkey
-- locks: the heads of the devices, in the order of (tenant_id, device_id)
-- returns: tenant_id and device_id of each device that exists
SELECT
    head.tenant_id,
    head.device_id
FROM (
    SELECT DISTINCT
        sent.tenant_id COLLATE "C" AS tenant_id,
        sent.device_id COLLATE "C" AS device_id
    FROM json_to_recordset(%(devices)s::json) AS sent (tenant_id text, device_id text)
    ORDER BY tenant_id, device_id
) AS wanted
-- One head at a time, in this order. For a join the planner may read the heads of all devices.
CROSS JOIN LATERAL (
    SELECT
        tenant_id,
        device_id
    FROM os_core.audio_runtime_heads
    WHERE
        tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND device_id = wanted.device_id
    FOR UPDATE
) AS head;
