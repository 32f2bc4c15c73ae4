-- Reads the first event of each dedupe key that was sent again, and compares the two field by
-- field, after conversion to the types of the table. The ledger never changes, so this may run
-- after the append has committed.
-- params: events (JSON array of objects with the fields that were sent), fields (names of the
-- fields to compare)
-- index: ux_audio_runtime_events_dedupe; ux_audit_events_source
-- locks: none
-- returns: for each event, in the order sent, what the ledger has: event_id, audit_event_id,
-- row_hash (hex) and differs (the sorted names of the fields that differ)
SELECT
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
        INNER JOIN jsonb_each(to_jsonb(known)) AS known_field (name, value)
            ON field.name = known_field.name
        WHERE
            field.name = any(%(fields)s::text[])
            AND field.value IS DISTINCT FROM known_field.value
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
            -- BETWEEN forces the index: see append.sql.
            AND stored.idempotency_key BETWEEN event.idempotency_key AND event.idempotency_key
        ORDER BY stored.idempotency_key
        LIMIT 1
    ) AS known
ORDER BY event.ordinality;
