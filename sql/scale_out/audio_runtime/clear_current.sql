-- Deletes the projection rows of devices that have no events. Run it with the heads locked.
-- params: devices (JSON array of objects with tenant_id and device_id), tenant_id (the only one)
-- index: audio_runtime_current_pkey, ix_audio_runtime_events_tenant_device_time
-- locks: the deleted rows; the caller must hold the locks on the devices' heads
-- returns: tenant_id and device_id of each deleted row
DELETE FROM os_core.audio_runtime_current AS stored
WHERE
    stored.tenant_id = %(tenant_id)s
    AND stored.device_id = any(
        array(
            SELECT wanted.device_id
            FROM json_to_recordset(%(devices)s::json) AS wanted (device_id text)
        )
    )
    AND (
        SELECT event.event_id
        FROM os_core.audio_runtime_events AS event
        WHERE
            event.tenant_id = %(tenant_id)s
            AND event.device_id BETWEEN stored.device_id AND stored.device_id
        ORDER BY event.device_id DESC, event.event_id DESC
        LIMIT 1
    ) IS NULL
RETURNING stored.tenant_id, stored.device_id;
