-- Changes the fields of a run that were sent; NULL leaves a field unchanged. A run that has ended
-- does not become running again unless it is reopened, which clears its end_time.
-- updated_at grows even when the clock was set back.
-- params: event_id, changes (JSON object with the fields that were sent), reopen (boolean),
-- agents (array: only a run of one of them; NULL: of any)
-- index: agent_runs_pkey
-- locks: the run's row
-- returns: reopened, whether the run had ended and is running again; no row: the run does not
-- exist, is of another agent, or has ended and would be running
UPDATE agent_runs AS run
SET
    status = coalesce(sent.status, run.status),
    end_time = CASE
        WHEN sent.status = 'running' AND run.status <> 'running' THEN NULL
        ELSE coalesce(sent.end_time, run.end_time)
    END,
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
        UNION
        SELECT 'end_time'
        WHERE sent.status = 'running' AND run.status <> 'running'
        ORDER BY 1
    ),
    -- Not a CASE, because Citus takes no clock in one: -infinity stands for never.
    reopened_at = nullif(
        greatest(
            run.reopened_at,
            least(
                greatest(
                    statement_timestamp(),
                    (run.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')
                    AT TIME ZONE 'UTC'
                ),
                CASE
                    WHEN sent.status = 'running' AND run.status <> 'running'
                        THEN 'infinity'::timestamptz
                    ELSE '-infinity'::timestamptz
                END
            )
        ),
        '-infinity'
    ),
    updated_at = greatest(
        statement_timestamp(),
        (run.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC'
    ),
    change_number = nullif(current_setting('telemetry.change_number', TRUE), '')::bigint
FROM json_populate_record(NULL::agent_runs, %(changes)s::json) AS sent
WHERE
    run.event_id = %(event_id)s
    AND (%(agents)s::text[] IS NULL OR run.agent_name = any(%(agents)s::text[]))
    AND (run.status = 'running' OR sent.status IS DISTINCT FROM 'running' OR %(reopen)s)
RETURNING coalesce(run.reopened_at = run.updated_at, FALSE) AS reopened;
