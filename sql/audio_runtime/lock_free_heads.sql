-- Locks the heads of some devices, except those that another writer has locked. It never waits, so
-- one stuck writer delays no other device. Its snapshot is older than its locks, so what needs them
-- has to be a later statement of the transaction.
-- params: devices (JSON array of objects with tenant_id and device_id), tenant_id (the
-- only one; NULL: any)
-- index: audio_runtime_heads_pkey
-- locks: the heads of the returned devices that have one
-- returns: tenant_id and device_id of each device whose head it has locked, or that has none
WITH wanted AS (
    SELECT DISTINCT
        sent.tenant_id,
        sent.device_id
    FROM json_to_recordset(%(devices)s::json) AS sent (tenant_id text, device_id text)
),

locked AS MATERIALIZED (
    SELECT
        head.tenant_id,
        head.device_id
    FROM wanted
    -- One head at a time. For a join the planner may read, and lock, the heads of all devices.
    CROSS JOIN LATERAL (
        SELECT
            tenant_id,
            device_id
        FROM os_core.audio_runtime_heads
        WHERE
            tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
            AND device_id = wanted.device_id
        FOR UPDATE SKIP LOCKED
    ) AS head
)

SELECT
    wanted.tenant_id,
    wanted.device_id
FROM wanted
LEFT JOIN locked ON wanted.tenant_id = locked.tenant_id AND wanted.device_id = locked.device_id
WHERE
    locked.device_id IS NOT NULL
    OR NOT EXISTS (
        SELECT FROM os_core.audio_runtime_heads AS head
        WHERE
            head.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
            AND head.device_id = wanted.device_id
    );
