-- Reads the first event of each dedupe key that was sent again, and compares the two field by
-- field, after conversion to the types of the table. The ledger never changes, so this may run
-- after the append has committed.
-- params: events (JSON array of objects with the fields that were sent), fields (names of the
-- fields to compare), tenant_id (the only one; NULL: any)
-- index: ux_audio_runtime_events_dedupe; ux_audit_events_source
-- locks: none
-- returns: for each event, in the order sent, what the ledger has: event_id, audit_event_id,
-- row_hash (hex) and differs (the sorted names of the fields that differ)
SELECT
    first_event.event_id,
    (
        SELECT audit_event_id
        FROM audit.audit_events
        WHERE
            tenant_id = coalesce(%(tenant_id)s, first_event.tenant_id)
            AND device_id = first_event.device_id
            AND source_event_id BETWEEN first_event.event_id AND first_event.event_id
        ORDER BY source_event_id
        LIMIT 1
    ) AS audit_event_id,
    encode(first_event.row_hash, 'hex') AS row_hash,
    array(
        SELECT field.name
        FROM jsonb_each(to_jsonb(sent_event.*)) AS field (name, value)
        INNER JOIN jsonb_each(to_jsonb(first_event.*)) AS first_field (name, value)
            ON field.name = first_field.name
        WHERE
            field.name = any(%(fields)s::text[])
            AND field.value IS DISTINCT FROM first_field.value
        ORDER BY field.name
    ) AS differs
FROM json_array_elements(%(events)s::json) WITH ORDINALITY AS sent (record, position)
CROSS JOIN
    LATERAL json_populate_record(NULL::os_core.audio_runtime_event, sent.record) AS sent_event
CROSS JOIN
    LATERAL (
        SELECT stored.*
        FROM os_core.audio_runtime_events AS stored
        WHERE
            stored.tenant_id = coalesce(%(tenant_id)s, sent_event.tenant_id)
            AND stored.device_id = sent_event.device_id
            AND stored.event_kind = sent_event.event_kind
            -- BETWEEN x AND x forces the index: see append.sql.
            AND stored.idempotency_key
            BETWEEN sent_event.idempotency_key AND sent_event.idempotency_key
        ORDER BY stored.idempotency_key
        LIMIT 1
    ) AS first_event
ORDER BY sent.position;
