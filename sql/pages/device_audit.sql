-- Lists the audit rows of a device, newest first. BETWEEN x AND x instead of = x forces the index.
-- params: tenant_id, device_id, before (audit_event_id; NULL: from the newest), row_limit
-- index: ix_audit_events_tenant_device
-- locks: none
-- returns: audit rows
SELECT
    audit_event_id,
    event_type,
    severity,
    reason_codes,
    source_event_id,
    recorded_at
FROM audit.audit_events
WHERE
    tenant_id = %(tenant_id)s
    AND device_id BETWEEN %(device_id)s AND %(device_id)s
    AND (%(before)s::bigint IS NULL OR audit_event_id < %(before)s)
ORDER BY tenant_id DESC, device_id DESC, audit_event_id DESC
LIMIT %(row_limit)s;
