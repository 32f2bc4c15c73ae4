-- Finds the devices whose ledger contradicts itself, so that no state follows from it: the device
-- is not one of the tenant, the head is not the newest event, or the latest session is not one of
-- the tenant. Run it with the heads locked.
-- Each row is looked up by LIMIT, in the order of its index. For a join, or for "=" where two
-- indexes have the column, statistics of a small table may lead the planner to read all rows.
-- params: devices (JSON array of objects with tenant_id and device_id), tenant_id (the
-- only one; NULL: any)
-- index: devices_pkey, audio_runtime_heads_pkey, ix_audio_runtime_events_tenant_device_time,
-- ix_audio_runtime_events_latest_session, sessions_pkey
-- locks: none; the caller must hold the locks on the devices' heads
-- returns: tenant_id, device_id, event_id (the head's, else the newest event's) and problem of each
-- such device, and of no other
SELECT
    wanted.tenant_id,
    wanted.device_id,
    coalesce(head.event_id, newest.event_id) AS event_id,
    CASE
        WHEN device.device_id IS NULL THEN 'device_not_of_tenant'
        WHEN head.device_id IS NULL THEN 'head_missing'
        WHEN latest.session_id IS NOT NULL AND session.session_id IS NULL
            THEN 'session_not_of_tenant'
        ELSE 'head_not_newest_event'
    END AS problem
FROM json_to_recordset(%(devices)s::json) AS wanted (tenant_id text, device_id text)
LEFT JOIN LATERAL (
    SELECT known.device_id
    FROM os_core.devices AS known
    WHERE
        known.device_id BETWEEN wanted.device_id AND wanted.device_id
        AND known.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
    ORDER BY known.device_id
    LIMIT 1
) AS device ON TRUE
LEFT JOIN LATERAL (
    SELECT
        known.device_id,
        known.event_id,
        known.row_hash
    FROM os_core.audio_runtime_heads AS known
    WHERE
        known.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND known.device_id = wanted.device_id
    ORDER BY known.device_id
    LIMIT 1
) AS head ON TRUE
LEFT JOIN LATERAL (
    SELECT
        event.event_id,
        event.row_hash
    FROM os_core.audio_runtime_events AS event
    WHERE
        event.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND event.device_id = wanted.device_id
    ORDER BY event.event_id DESC
    LIMIT 1
) AS newest ON TRUE
LEFT JOIN LATERAL (
    SELECT event.session_id
    FROM os_core.audio_runtime_events AS event
    WHERE
        event.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND event.device_id = wanted.device_id
        AND event.session_id IS NOT NULL
    ORDER BY event.event_id DESC
    LIMIT 1
) AS latest ON TRUE
LEFT JOIN LATERAL (
    SELECT known.session_id
    FROM os_core.sessions AS known
    WHERE
        known.session_id BETWEEN latest.session_id AND latest.session_id
        AND known.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
    ORDER BY known.session_id
    LIMIT 1
) AS session ON TRUE
WHERE
    device.device_id IS NULL
    OR head.device_id IS NULL
    OR (latest.session_id IS NOT NULL AND session.session_id IS NULL)
    OR head.event_id IS DISTINCT FROM newest.event_id
    OR head.row_hash <> coalesce(newest.row_hash, decode(repeat('00', 32), 'hex'));
