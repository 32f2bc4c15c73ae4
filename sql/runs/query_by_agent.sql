-- Finds one agent's runs, newest first; one row more than the page tells whether more follow.
-- The index has each status of an agent in the order of the page, so that a page costs a page
-- for each status wanted, however many runs the agent has; they are merged here.
-- Planned for the parameters at hand (never prepared), like query.sql.
-- params: agent_name, statuses (array: the one wanted, or all), job_type, run_id,
-- parent_run_id, created_before, created_after, start_time_from, start_time_to,
-- cursor_created_at, cursor_event_id (NULL: any), row_limit, row_offset
-- index: ix_agent_runs_agent_name_status_newest, then agent_runs_pkey for the page
-- locks: none
-- returns: runs in the order of (created_at, event_id), descending
WITH page AS (
    SELECT
        candidate.event_id,
        candidate.created_at
    FROM unnest(%(statuses)s::text[]) AS wanted (status)
    CROSS JOIN
        LATERAL (
            SELECT
                event_id,
                created_at
            FROM agent_runs
            WHERE
                agent_name = %(agent_name)s
                AND status = wanted.status
                AND (%(job_type)s::text IS NULL OR job_type = %(job_type)s)
                AND (%(run_id)s::text IS NULL OR run_id = %(run_id)s)
                AND (%(parent_run_id)s::text IS NULL OR parent_run_id = %(parent_run_id)s)
                AND (%(created_before)s::timestamptz IS NULL OR created_at < %(created_before)s)
                AND (%(created_after)s::timestamptz IS NULL OR created_at > %(created_after)s)
                AND (%(start_time_from)s::timestamptz IS NULL OR start_time >= %(start_time_from)s)
                AND (%(start_time_to)s::timestamptz IS NULL OR start_time <= %(start_time_to)s)
                AND (
                    %(cursor_created_at)s::timestamptz IS NULL
                    OR (created_at, event_id) < (%(cursor_created_at)s, %(cursor_event_id)s::text)
                )
            ORDER BY created_at DESC, event_id DESC
            LIMIT %(row_limit)s::bigint + %(row_offset)s::bigint
        ) AS candidate
    ORDER BY candidate.created_at DESC, candidate.event_id DESC
    LIMIT %(row_limit)s OFFSET %(row_offset)s
)

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
    run.api_retry_count
FROM page
INNER JOIN agent_runs AS run ON page.event_id = run.event_id
ORDER BY run.created_at DESC, run.event_id DESC;
