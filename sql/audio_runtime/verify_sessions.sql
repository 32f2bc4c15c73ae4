-- Checks that the sessions of some devices' events belong to the same tenant.
-- params: devices (JSON array of objects with tenant_id, device_id and after, the event_id to begin
-- behind; NULL: from the first row), findings (at most so many per device), tenant_id (the
-- only one; NULL: any)
-- index: ix_audio_runtime_events_latest_session, sessions_pkey
-- locks: none
-- returns: tenant_id, device_id, event_id and problem, in the order of event_id
SELECT
    wanted.tenant_id,
    wanted.device_id,
    foreign_event.event_id,
    'session_not_of_tenant' AS problem
FROM json_to_recordset(%(devices)s::json) AS wanted (tenant_id text, device_id text, after bigint)
CROSS JOIN LATERAL (
    SELECT event.event_id
    FROM os_core.audio_runtime_events AS event
    LEFT JOIN os_core.sessions AS session
        ON event.session_id = session.session_id AND event.tenant_id = session.tenant_id
    WHERE
        event.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND event.device_id = wanted.device_id
        AND event.event_id >= coalesce(wanted.after, '-9223372036854775808')
        AND event.event_id IS DISTINCT FROM wanted.after
        AND event.session_id IS NOT NULL
        AND session.session_id IS NULL
    ORDER BY event.event_id
    LIMIT %(findings)s
) AS foreign_event;
