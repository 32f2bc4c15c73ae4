-- Updates the fields of a run that were sent; a field that is NULL stays unchanged. updated_at
-- grows even when the clock was set back.
-- params: event_id, changes (JSON object with the fields that were sent)
-- index: agent_runs_pkey
-- locks: the run's row
-- returns: run_id; no row: the run does not exist
UPDATE agent_runs AS run
SET
    status = coalesce(sent.status, run.status),
    end_time = coalesce(sent.end_time, run.end_time),
    duration_ms = coalesce(sent.duration_ms, run.duration_ms),
    error_summary = coalesce(sent.error_summary, run.error_summary),
    error_details = coalesce(sent.error_details, run.error_details),
    output_summary = coalesce(sent.output_summary, run.output_summary),
    items_discovered = coalesce(sent.items_discovered, run.items_discovered),
    items_succeeded = coalesce(sent.items_succeeded, run.items_succeeded),
    items_failed = coalesce(sent.items_failed, run.items_failed),
    items_skipped = coalesce(sent.items_skipped, run.items_skipped),
    metrics_json = coalesce(sent.metrics_json, run.metrics_json),
    context_json = coalesce(sent.context_json, run.context_json),
    git_commit_source = coalesce(sent.git_commit_source, run.git_commit_source),
    git_commit_author = coalesce(sent.git_commit_author, run.git_commit_author),
    git_commit_timestamp = coalesce(sent.git_commit_timestamp, run.git_commit_timestamp),
    changed_fields = array(
        SELECT unnest(run.changed_fields)
        UNION
        SELECT json_object_keys(%(changes)s::json)
        ORDER BY 1
    ),
    updated_at = greatest(clock_timestamp(), run.updated_at + interval '1 microsecond')
FROM json_populate_record(NULL::agent_runs, %(changes)s::json) AS sent
WHERE run.event_id = %(event_id)s
RETURNING run.run_id;
