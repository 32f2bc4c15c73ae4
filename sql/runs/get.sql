-- Reads one run.
-- params: event_id, stale_after (interval after which a running run is stale),
-- agents (array: only a run of one of them; NULL: of any)
-- index: agent_runs_pkey
-- locks: none
-- returns: the run; no row: it does not exist, or is of another agent
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
    event_id = %(event_id)s
    AND (%(agents)s::text[] IS NULL OR agent_name = any(%(agents)s::text[]));
