-- Compares runs that were sent again with the stored ones, field by field, as the table's
-- types see them. Fields changed after the create do not count.
-- params: runs (JSON array of objects with the fields that were sent)
-- index: agent_runs_pkey
-- locks: none
-- returns: event_id and differs (sorted field names), of the runs that differ
SELECT
    stored.event_id,
    array_agg(DISTINCT field.name ORDER BY field.name) AS differs
FROM json_array_elements(%(runs)s::json) AS sent (run)
CROSS JOIN LATERAL json_populate_record(NULL::agent_runs, sent.run) AS typed
INNER JOIN agent_runs AS stored ON typed.event_id = stored.event_id
CROSS JOIN LATERAL jsonb_each(to_jsonb(typed)) AS field (name, value)
WHERE
    field.value <> 'null'
    AND field.name <> all(stored.changed_fields)
    AND field.value IS DISTINCT FROM to_jsonb(stored) -> field.name
GROUP BY stored.event_id;
