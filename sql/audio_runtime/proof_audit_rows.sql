-- Reads the audit rows of some devices for the proof: stored values alone, no function of ours.
-- It is read through a cursor, beside that of proof_events.sql, in the same order and by a range of
-- one for the same reason.
-- params: devices (JSON array of objects with place, a number in their order, tenant_id, device_id
-- and after, the source_event_id to begin behind; NULL: with the very first row), tenant_id (the
-- only one; NULL: any)
-- index: ux_audit_events_source
-- locks: none
-- returns: place, source_event_id, engine, event_type, reason_codes, severity and payload_min as
-- text, in the order of place and source_event_id
SELECT
    wanted.place,
    audit_row.source_event_id,
    audit_row.engine,
    audit_row.event_type,
    audit_row.reason_codes,
    audit_row.severity,
    audit_row.payload_min
FROM
    json_to_recordset(%(devices)s::json)
        AS wanted (place integer, tenant_id text, device_id text, after bigint)
CROSS JOIN LATERAL (
    SELECT
        trail.source_event_id,
        trail.engine,
        trail.event_type,
        trail.reason_codes,
        trail.severity,
        trail.payload_min::text AS payload_min
    FROM audit.audit_events AS trail
    WHERE
        trail.tenant_id = coalesce(%(tenant_id)s, wanted.tenant_id)
        AND trail.device_id BETWEEN wanted.device_id AND wanted.device_id
        AND (trail.device_id, trail.source_event_id)
        >= (wanted.device_id, coalesce(wanted.after, '-9223372036854775808'))
        AND trail.source_event_id IS DISTINCT FROM wanted.after
    ORDER BY trail.device_id, trail.source_event_id
) AS audit_row;
