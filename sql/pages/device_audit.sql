-- Lists the newest audit rows of a device. BETWEEN x AND x instead of = x forces the index.
-- params: tenant_id, device_id, row_limit
-- index: ix_audit_events_tenant_device
-- locks: none
-- returns: audit rows, newest first
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
ORDER BY tenant_id DESC, device_id DESC, audit_event_id DESC
LIMIT %(row_limit)s;
