-- Lists the first audit rows of a tenant, across its devices.
-- BETWEEN x AND x instead of = x forces the index. With = the planner may walk the rows of all
-- tenants, which takes long when this tenant has few rows, or only recent ones.
-- any(ARRAY[x]) names the shard; a plain = would let the planner walk the events of all tenants.
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
WHERE
    tenant_id BETWEEN %(tenant_id)s AND %(tenant_id)s
    AND tenant_id = any(ARRAY[%(tenant_id)s])
ORDER BY tenant_id, audit_event_id
LIMIT %(row_limit)s;
