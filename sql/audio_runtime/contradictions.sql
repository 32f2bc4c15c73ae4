-- Finds where the ledger contradicts itself about some devices: events of a device that is not
-- the tenant's, or a head that is not the newest event. Of such a ledger nothing is rebuilt.
-- To be run with the heads locked.
-- params: devices (JSON array of objects with tenant_id and device_id)
-- index: devices_pkey, audio_runtime_heads_pkey, ix_audio_runtime_events_tenant_device_time
-- locks: none; the devices' heads are to be locked before
-- returns: tenant_id, device_id and event_id (the head's, else the newest), of those alone
SELECT
    wanted.tenant_id,
    wanted.device_id,
    coalesce(head.event_id, newest.event_id) AS event_id
FROM json_to_recordset(%(devices)s::json) AS wanted (tenant_id text, device_id text)
LEFT JOIN os_core.devices AS device
    ON wanted.device_id = device.device_id AND wanted.tenant_id = device.tenant_id
LEFT JOIN os_core.audio_runtime_heads AS head
    ON wanted.tenant_id = head.tenant_id AND wanted.device_id = head.device_id
LEFT JOIN LATERAL (
    SELECT
        event.event_id,
        event.row_hash
    FROM os_core.audio_runtime_events AS event
    WHERE event.tenant_id = wanted.tenant_id AND event.device_id = wanted.device_id
    ORDER BY event.event_id DESC
    LIMIT 1
) AS newest ON TRUE
WHERE
    device.device_id IS NULL
    OR head.device_id IS NULL
    OR head.event_id IS DISTINCT FROM newest.event_id
    OR head.row_hash <> coalesce(newest.row_hash, decode(repeat('00', 32), 'hex'));
