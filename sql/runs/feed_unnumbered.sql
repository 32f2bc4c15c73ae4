-- Lists the runs that have not changed since changes got numbers, for a follower from the
-- beginning.
-- params: after (event_id; the empty text: from the beginning), row_limit,
-- stale_after (interval after which a running run is stale)
-- index: ix_agent_runs_unnumbered
-- locks: none
-- returns: runs in the order of event_id, and their change_number, 0
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
    (status = 'running' AND updated_at < now() - %(stale_after)s::interval) AS stale,
    change_number
FROM agent_runs
WHERE change_number = 0 AND event_id > %(after)s
ORDER BY event_id
LIMIT %(row_limit)s;
