-- Makes a rebuild the only one to write for those of some devices that nobody writes for now. It
-- never waits, so that a device whose writer is stuck holds up no other. To be followed by other
-- statements: this one saw the ledger as it was before it had the locks.
-- params: devices (JSON array of objects with tenant_id and device_id)
-- index: audio_runtime_heads_pkey
-- locks: the heads of the devices that are returned and have one
-- returns: tenant_id and device_id of each device whose head is locked now, or missing
WITH wanted AS (
    SELECT DISTINCT
        sent.tenant_id,
        sent.device_id
    FROM json_to_recordset(%(devices)s::json) AS sent (tenant_id text, device_id text)
),

locked AS (
    SELECT
        head.tenant_id,
        head.device_id
    FROM os_core.audio_runtime_heads AS head
    INNER JOIN wanted ON head.tenant_id = wanted.tenant_id AND head.device_id = wanted.device_id
    FOR UPDATE OF head SKIP LOCKED
)

SELECT
    wanted.tenant_id,
    wanted.device_id
FROM wanted
LEFT JOIN locked ON wanted.tenant_id = locked.tenant_id AND wanted.device_id = locked.device_id
LEFT JOIN os_core.audio_runtime_heads AS head
    ON wanted.tenant_id = head.tenant_id AND wanted.device_id = head.device_id
WHERE locked.device_id IS NOT NULL OR head.device_id IS NULL;
