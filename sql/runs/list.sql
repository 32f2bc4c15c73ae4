-- Lists runs, newest first. The caller asks for one more than the page holds, to find out whether
-- more follow. Never prepared, so it is planned for its parameters: a filter that is NULL drops
-- out, and the planner chooses the index among those of the other filters, which it assumes to be
-- independent. With a start time limited on one side only, its best choice is to read the newest
-- runs until the page is full.
-- params: agent_name, status, job_type, run_id, parent_run_id, created_before, created_after,
-- start_time_from, start_time_to, stale, cursor_created_at, cursor_event_id (NULL: any),
-- stale_after (interval after which a running run is stale), row_limit, row_offset
-- index: ix_agent_runs_created_at, or the index of the filter that leaves the fewest rows
-- locks: none
-- returns: runs in the order of (created_at, event_id), descending
SELECT
    event_id,
    run_id,
    agent_name,
    job_type,
    status,
    created_at,
    updated_at,
    start_time,
    end_time,
    duration_ms,
    items_discovered,
    items_succeeded,
    items_failed,
    items_skipped,
    product,
    product_family,
    platform,
    subdomain,
    website,
    website_section,
    item_name,
    git_repo,
    git_branch,
    git_commit_hash,
    git_run_tag,
    git_commit_source,
    git_commit_author,
    git_commit_timestamp,
    input_summary,
    output_summary,
    source_ref,
    target_ref,
    error_summary,
    error_details,
    host,
    environment,
    trigger_type,
    metrics_json,
    context_json,
    insight_id,
    parent_run_id,
    api_posted,
    api_posted_at,
    api_retry_count,
    (status = 'running' AND updated_at < now() - %(stale_after)s::interval) AS stale
FROM agent_runs
WHERE
    (%(agent_name)s::text IS NULL OR agent_name = %(agent_name)s)
    AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(job_type)s::text IS NULL OR job_type = %(job_type)s)
    AND (%(run_id)s::text IS NULL OR run_id = %(run_id)s)
    AND (
        %(parent_run_id)s::text IS NULL
        OR (
            parent_run_id = %(parent_run_id)s
            -- The index holds this much of it.
            AND left(parent_run_id, 255) = left(%(parent_run_id)s, 255)
        )
    )
    AND (%(created_before)s::timestamptz IS NULL OR created_at < %(created_before)s)
    AND (%(created_after)s::timestamptz IS NULL OR created_at > %(created_after)s)
    AND (%(start_time_from)s::timestamptz IS NULL OR start_time >= %(start_time_from)s)
    AND (%(start_time_to)s::timestamptz IS NULL OR start_time <= %(start_time_to)s)
    AND (
        %(stale)s::boolean IS NULL
        OR %(stale)s = (
            status = 'running' AND updated_at < now() - %(stale_after)s::interval
        )
    )
    -- Lets the index of the status find stale runs.
    AND (%(stale)s::boolean IS NOT TRUE OR status = 'running')
    AND (
        %(cursor_created_at)s::timestamptz IS NULL
        OR (created_at, event_id) < (%(cursor_created_at)s, %(cursor_event_id)s::text)
    )
ORDER BY created_at DESC, event_id DESC
LIMIT %(row_limit)s OFFSET %(row_offset)s;
