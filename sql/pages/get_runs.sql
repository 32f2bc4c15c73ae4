-- Reads the runs of a page of an export, with all fields of the API.
-- params: event_ids (JSON array of texts),
-- stale_after (interval after which a running run is stale)
-- index: agent_runs_pkey
-- locks: none
-- returns: the runs in the order of event_ids; those that were deleted meanwhile are left out
SELECT
    run.event_id,
    run.run_id,
    run.agent_name,
    run.job_type,
    run.status,
    run.created_at,
    run.updated_at,
    run.start_time,
    run.end_time,
    run.duration_ms,
    run.items_discovered,
    run.items_succeeded,
    run.items_failed,
    run.items_skipped,
    run.product,
    run.product_family,
    run.platform,
    run.subdomain,
    run.website,
    run.website_section,
    run.item_name,
    run.git_repo,
    run.git_branch,
    run.git_commit_hash,
    run.git_run_tag,
    run.git_commit_source,
    run.git_commit_author,
    run.git_commit_timestamp,
    run.input_summary,
    run.output_summary,
    run.source_ref,
    run.target_ref,
    run.error_summary,
    run.error_details,
    run.host,
    run.environment,
    run.trigger_type,
    run.metrics_json,
    run.context_json,
    run.insight_id,
    run.parent_run_id,
    run.api_posted,
    run.api_posted_at,
    run.api_retry_count,
    (
        run.status = 'running'
        AND run.updated_at < now() - %(stale_after)s::interval
    ) AS stale
FROM
    json_array_elements_text(%(event_ids)s::json) WITH ORDINALITY AS wanted (event_id, place)
INNER JOIN agent_runs AS run ON wanted.event_id = run.event_id
ORDER BY wanted.place;
