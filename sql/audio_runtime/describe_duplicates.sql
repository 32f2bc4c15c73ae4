-- Tells of events that were sent again what the first of them became, and compares them with it
-- field by field, as the table's types see them. The ledger never changes, so this may run
-- when the append has ended.
-- params: events (JSON array of objects with the fields that were sent)
-- index: ux_audio_runtime_events_dedupe; ux_audit_events_source
-- locks: none
-- returns: position (from 1), event_id, audit_event_id, row_hash (hex) and differs (the sorted
-- names of the fields that are not the same)
SELECT
    event.ordinality AS position,
    known.event_id,
    (
        SELECT audit_event_id
        FROM audit.audit_events
        WHERE
            tenant_id = known.tenant_id
            AND device_id = known.device_id
            AND source_event_id = known.event_id
    ) AS audit_event_id,
    encode(known.row_hash, 'hex') AS row_hash,
    array(
        SELECT field.name
        FROM jsonb_each(to_jsonb(event)) AS field (name, value)
        WHERE
            field.name NOT IN ('event_id', 'row_hash', 'ordinality')
            AND field.value IS DISTINCT FROM to_jsonb(known) -> field.name
        ORDER BY field.name
    ) AS differs
FROM
    json_populate_recordset(NULL::os_core.audio_runtime_events, %(events)s::json)
    WITH ORDINALITY AS event
CROSS JOIN
    LATERAL (
        SELECT stored.*
        FROM os_core.audio_runtime_events AS stored
        WHERE
            stored.tenant_id = event.tenant_id
            AND stored.device_id = event.device_id
            AND stored.event_kind = event.event_kind
            -- A range of one, in order: see append.sql.
            AND stored.idempotency_key BETWEEN event.idempotency_key AND event.idempotency_key
        ORDER BY stored.idempotency_key
        LIMIT 1
    ) AS known
ORDER BY event.ordinality;
