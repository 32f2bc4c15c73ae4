-- Removes the projection of devices that have no events. To be run with the heads locked.
-- params: devices (JSON array of objects with tenant_id and device_id)
-- index: audio_runtime_current_pkey, ix_audio_runtime_events_tenant_device_time
-- locks: the rows removed; the devices' heads are to be locked before
-- returns: tenant_id and device_id of each row removed
DELETE FROM os_core.audio_runtime_current AS known
USING json_to_recordset(%(devices)s::json) AS wanted (tenant_id text, device_id text)
WHERE
    known.tenant_id = wanted.tenant_id
    AND known.device_id = wanted.device_id
    AND NOT EXISTS (
        SELECT
        FROM os_core.audio_runtime_events AS event
        WHERE event.tenant_id = wanted.tenant_id AND event.device_id = wanted.device_id
    )
RETURNING known.tenant_id, known.device_id;
