-- Lists the audit rows of a tenant's device, oldest first.
-- Planned for the given parameters (never prepared), so a filter that is NULL costs nothing.
-- Walks the index one row at a time. BETWEEN x AND x instead of = x forces this index. With one
-- range for the whole page, the planner expects few rows per device; it may walk another index
-- through the rows of other devices, or read and sort all rows of this one.
-- params: tenant_id, device_id, after (audit_event_id; NULL: from the first), row_limit
-- index: ix_audit_events_tenant_device
-- locks: none
-- returns: audit rows in the order of audit_event_id
WITH RECURSIVE page AS (
    (
        SELECT
            (audit_row.*)::audit.audit_events AS audit_row,
            1 AS place
        FROM audit.audit_events AS audit_row
        WHERE
            audit_row.tenant_id = %(tenant_id)s
            AND audit_row.device_id BETWEEN %(device_id)s AND %(device_id)s
            AND (
                %(after)s::bigint IS NULL
                OR (audit_row.device_id, audit_row.audit_event_id) > (%(device_id)s, %(after)s)
            )
        ORDER BY audit_row.device_id, audit_row.audit_event_id
        LIMIT 1
    )
    UNION ALL
    SELECT
        further.audit_row,
        page.place + 1
    FROM page
    CROSS JOIN
        LATERAL (
            SELECT (later.*)::audit.audit_events AS audit_row
            FROM audit.audit_events AS later
            WHERE
                later.tenant_id = %(tenant_id)s
                AND later.device_id BETWEEN %(device_id)s AND %(device_id)s
                AND (later.device_id, later.audit_event_id)
                > (%(device_id)s, (page.audit_row).audit_event_id)
            ORDER BY later.device_id, later.audit_event_id
            LIMIT 1
        ) AS further
    WHERE page.place < %(row_limit)s
)

SELECT
    (page.audit_row).audit_event_id,
    (page.audit_row).tenant_id,
    (page.audit_row).device_id,
    (page.audit_row).engine,
    (page.audit_row).event_type,
    (page.audit_row).reason_codes,
    (page.audit_row).severity,
    (page.audit_row).source_event_id,
    (page.audit_row).payload_min,
    (page.audit_row).recorded_at
FROM page
ORDER BY page.place;
