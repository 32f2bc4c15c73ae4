-- Checks that the projection of some devices is equal to the replay of their ledger.
-- params: devices (JSON array of objects with tenant_id and device_id)
-- index: ix_audio_runtime_events_latest_of_kind and _latest_session; audio_runtime_current_pkey
-- locks: none
-- returns: tenant_id, device_id, event_id (of the newest event, in the ledger or the projection)
-- and problem
SELECT
    wanted.tenant_id,
    wanted.device_id,
    greatest(replayed.last_event_id, stored.last_event_id) AS event_id,
    CASE
        WHEN stored.device_id IS NULL THEN 'projection_missing'
        WHEN replayed.device_id IS NULL THEN 'projection_without_events'
        ELSE 'projection_differs'
    END AS problem
FROM json_to_recordset(%(devices)s::json) AS wanted (tenant_id text, device_id text)
LEFT JOIN LATERAL os_core.audio_runtime_replay(wanted.tenant_id, wanted.device_id) AS replayed
    ON TRUE
-- By LIMIT: see contradictions.sql.
LEFT JOIN LATERAL (
    SELECT
        known.device_id,
        known.last_event_id,
        os_core.audio_runtime_state_of(known.*) AS state
    FROM os_core.audio_runtime_current AS known
    WHERE known.tenant_id = wanted.tenant_id AND known.device_id = wanted.device_id
    ORDER BY known.device_id
    LIMIT 1
) AS stored ON TRUE
WHERE
    num_nonnulls(stored.device_id, replayed.device_id) > 0
    AND stored.state IS DISTINCT FROM replayed;
