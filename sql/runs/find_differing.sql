-- Compares runs that were sent again with the stored ones, field by field, as the table's
-- types see them. Fields changed after the create do not count. A record that is running says
-- nothing about an end: once the run has ended, the fields that change while a run is in progress
-- do not count for it, nor do those that the end changed. Each run is turned into JSON once, not
-- once a field: hence MATERIALIZED.
-- params: runs (JSON array of objects with the fields that were sent), agents (array of those whose
-- runs the sender may see; NULL: of any), event_id (the only one; NULL: any)
-- index: agent_runs_pkey
-- locks: none
-- returns: event_id, differs (sorted field names) and is_foreign (it is of another agent) of each
-- run that exists
WITH pairs AS MATERIALIZED (
    SELECT
        stored.event_id,
        coalesce(stored.agent_name <> all(%(agents)s::text[]), FALSE) AS is_foreign,
        to_jsonb(stored.*) AS stored_run,
        to_jsonb(typed.*) AS sent_run,
        CASE
            WHEN typed.status <> 'running' THEN stored.changed_fields
            WHEN stored.status = 'running' THEN stored.changed_fields || stored.completed_fields
            ELSE
                stored.changed_fields || stored.completed_fields || ARRAY[
                    'status',
                    'end_time',
                    'duration_ms',
                    'error_summary',
                    'error_details',
                    'output_summary',
                    'items_discovered',
                    'items_succeeded',
                    'items_failed',
                    'items_skipped',
                    'metrics_json',
                    'context_json',
                    'git_commit_source',
                    'git_commit_author',
                    'git_commit_timestamp',
                    'git_commit_hash',
                    'api_posted',
                    'api_posted_at',
                    'api_retry_count'
                ]
        END AS without
    FROM json_populate_recordset(NULL::agent_runs, %(runs)s::json) AS typed
    INNER JOIN agent_runs AS stored ON coalesce(%(event_id)s, typed.event_id) = stored.event_id
)

SELECT
    pairs.event_id,
    coalesce(
        array_agg(DISTINCT field.name ORDER BY field.name) FILTER (
            WHERE
            field.value <> 'null'
            AND field.name <> all(pairs.without)
            AND field.value IS DISTINCT FROM pairs.stored_run -> field.name
        ),
        '{}'
    ) AS differs,
    bool_or(pairs.is_foreign) AS is_foreign
FROM pairs
CROSS JOIN LATERAL jsonb_each(pairs.sent_run) AS field (name, value)
GROUP BY pairs.event_id;
