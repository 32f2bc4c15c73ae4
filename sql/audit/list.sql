-- Lists the first of a tenant's audit rows, of whatever device.
-- The tenant is asked for as a range of one, in order: with "=" the planner may walk through
-- the rows of all tenants, which takes long when this one's are few or new.
-- params: tenant_id, row_limit
-- index: ix_audit_events_tenant
-- locks: none
-- returns: audit rows in the order of audit_event_id
SELECT
    audit_event_id,
    tenant_id,
    device_id,
    engine,
    event_type,
    reason_codes,
    severity,
    source_event_id,
    payload_min,
    recorded_at
FROM audit.audit_events
WHERE tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
ORDER BY tenant_id, audit_event_id
LIMIT %(row_limit)s;
