-- Finds the event from which a check of the newest events of a device begins. BETWEEN x AND x
-- instead of = x forces the index.
-- params: tenant_id, device_id, newest (how many events are checked)
-- index: ix_audio_runtime_events_tenant_device_time
-- locks: none
-- returns: event_id and row_hash (hex); no row: the device has no more events than that
SELECT
    event_id,
    encode(row_hash, 'hex') AS row_hash
FROM os_core.audio_runtime_events
WHERE
    tenant_id = %(tenant_id)s
    AND device_id BETWEEN %(device_id)s AND %(device_id)s
ORDER BY tenant_id DESC, device_id DESC, event_id DESC
LIMIT 1 OFFSET %(newest)s;
