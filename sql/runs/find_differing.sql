-- Compares runs that were sent again with the stored ones, field by field, as values of the
-- columns' types. Fields that were changed after the create are not compared. MATERIALIZED
-- converts each run into JSON once, not once for each field.
-- params: runs (JSON array of objects with the fields that were sent)
-- index: agent_runs_pkey
-- locks: none
-- returns: event_id and differs (sorted field names) of each run that differs
WITH pairs AS MATERIALIZED (
    SELECT
        stored.event_id,
        stored.changed_fields,
        to_jsonb(stored) AS stored_run,
        to_jsonb(typed) AS sent_run
    FROM json_populate_recordset(NULL::agent_runs, %(runs)s::json) AS typed
    INNER JOIN agent_runs AS stored ON typed.event_id = stored.event_id
)

SELECT
    pairs.event_id,
    array_agg(DISTINCT field.name ORDER BY field.name) AS differs
FROM pairs
CROSS JOIN LATERAL jsonb_each(pairs.sent_run) AS field (name, value)
WHERE
    field.value <> 'null'
    AND field.name <> all(pairs.changed_fields)
    AND field.value IS DISTINCT FROM pairs.stored_run -> field.name
GROUP BY pairs.event_id;
