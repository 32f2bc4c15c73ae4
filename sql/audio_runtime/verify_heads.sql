-- Checks the heads of some devices against the ledger and against kept heads, and that the devices
-- belong to their tenant.
-- Each row is looked up by LIMIT, in the order of its index: see contradictions.sql.
-- params: devices (JSON array of objects with tenant_id, device_id and, where there is a kept head,
-- kept_event_id and kept_row_hash in hex), tenant_id (the only one; NULL: any)
-- index: devices_pkey, audio_runtime_heads_pkey, ix_audio_runtime_events_tenant_device_time
-- locks: none
-- returns: tenant_id, device_id, event_id (NULL: the problem concerns no event) and problem
WITH seen AS (
    SELECT
        wanted.tenant_id,
        wanted.device_id,
        wanted.kept_event_id,
        wanted.kept_row_hash,
        device.tenant_id AS bound_to,
        head.device_id AS head_of,
        head.event_id AS head_event_id,
        head.row_hash AS head_row_hash,
        newest.event_id AS newest_event_id,
        newest.row_hash AS newest_row_hash,
        encode(kept.row_hash, 'hex') AS stored_row_hash
    FROM
        json_to_recordset(%(devices)s::json)
            AS wanted (
                tenant_id text, device_id text, kept_event_id bigint, kept_row_hash text
            )
    LEFT JOIN LATERAL (
        SELECT known.tenant_id
        FROM os_core.devices AS known
        WHERE known.device_id BETWEEN wanted.device_id AND wanted.device_id
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
        SELECT event.row_hash
        FROM os_core.audio_runtime_events AS event
        WHERE
            event.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
            AND event.device_id = wanted.device_id
            AND event.event_id BETWEEN wanted.kept_event_id AND wanted.kept_event_id
        ORDER BY event.event_id
        LIMIT 1
    ) AS kept ON TRUE
)

SELECT
    seen.tenant_id,
    seen.device_id,
    finding.event_id,
    finding.problem
FROM seen
CROSS JOIN
    LATERAL (
        VALUES
        (
            'device_of_another_tenant',
            seen.newest_event_id,
            coalesce(seen.bound_to <> seen.tenant_id, FALSE)
        ),
        ('device_missing', seen.newest_event_id, seen.bound_to IS NULL),
        ('head_missing', seen.newest_event_id, seen.head_of IS NULL),
        (
            'newest_event_missing',
            seen.head_event_id,
            seen.head_event_id IS NOT NULL
            AND coalesce(seen.head_event_id > seen.newest_event_id, TRUE)
        ),
        (
            'head_behind',
            seen.newest_event_id,
            seen.head_of IS NOT NULL
            AND seen.newest_event_id IS NOT NULL
            AND coalesce(seen.newest_event_id > seen.head_event_id, TRUE)
        ),
        (
            'head_row_hash_wrong',
            seen.head_event_id,
            seen.head_event_id IS NOT DISTINCT FROM seen.newest_event_id
            AND coalesce(
                seen.head_row_hash
                <> coalesce(seen.newest_row_hash, decode(repeat('00', 32), 'hex')),
                FALSE
            )
        ),
        (
            'kept_event_missing',
            seen.kept_event_id,
            seen.kept_event_id IS NOT NULL AND seen.stored_row_hash IS NULL
        ),
        (
            'kept_row_hash_differs',
            seen.kept_event_id,
            coalesce(seen.stored_row_hash <> seen.kept_row_hash, FALSE)
        )
    ) AS finding (problem, event_id, is_true)
WHERE finding.is_true;
