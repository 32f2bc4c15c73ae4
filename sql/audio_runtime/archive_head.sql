-- Finds the event up to which a device is archived, and counts the events up to it.
-- params: tenant_id, device_id, up_to (event_id; NULL: the newest event)
-- index: ix_audio_runtime_events_tenant_device_time; the count reads the index of the device alone
-- locks: none
-- returns: event_id, row_hash in hex, events; no row: the device has no such event
SELECT
    head.event_id,
    encode(head.row_hash, 'hex') AS row_hash,
    (
        SELECT count(*)
        FROM os_core.audio_runtime_events AS event
        WHERE
            event.tenant_id = %(tenant_id)s
            AND event.device_id BETWEEN %(device_id)s AND %(device_id)s
            AND event.event_id <= head.event_id
    ) AS events
FROM (
    SELECT
        event.event_id,
        event.row_hash
    FROM os_core.audio_runtime_events AS event
    WHERE
        event.tenant_id = %(tenant_id)s
        AND event.device_id BETWEEN %(device_id)s AND %(device_id)s
        AND (%(up_to)s::bigint IS NULL OR event.event_id = %(up_to)s)
    ORDER BY event.device_id DESC, event.event_id DESC
    LIMIT 1
) AS head;
