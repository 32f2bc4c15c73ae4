-- Lists the next changes of runs, in the order of their numbers, for a follower that has seen each
-- lane up to a position (migration 0016 says why it misses none). Each run appears with its newest
-- change only. First it finds the highest numbers, then the lanes that are settled up to them, and
-- then what follows in these; each in a snapshot of its own (distribute/00_lanes.sql says why).
-- params: positions (array of 64 change numbers, of lane 0 first), row_limit,
-- stale_after (interval after which a running run is stale)
-- index: ix_agent_runs_change_number
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- locks: none
-- returns: runs and their change_number
WITH visible AS MATERIALIZED (
    SELECT
        lane.position,
        lane.ordinal - 1 AS lane,
        max(newest.change_number) AS bound
    FROM unnest(%(positions)s::bigint[]) WITH ORDINALITY AS lane (position, ordinal)
    CROSS JOIN
        LATERAL (
            SELECT change_number FROM agent_runs
            WHERE
                change_number > 0
                AND change_number > lane.position
                AND change_number < lane.ordinal * 100000000000000000
            ORDER BY change_number DESC
            LIMIT 1
        ) AS newest
    GROUP BY lane.position, lane.ordinal
    ORDER BY lane.position
    LIMIT 64
),

settled AS MATERIALIZED (
    SELECT
        visible.position,
        visible.bound
    FROM visible
    WHERE
        visible.lane = any(
            (
                SELECT settled_lanes(7308, array_agg(newest.lane)) FROM visible AS newest
            )::bigint[]
        )
),

following AS MATERIALIZED (
    SELECT change.change_number
    FROM settled
    CROSS JOIN
        LATERAL (
            SELECT change_number FROM agent_runs
            WHERE
                change_number > 0
                AND change_number > settled.position
                AND change_number <= settled.bound
            ORDER BY change_number
            LIMIT %(row_limit)s
        ) AS change
    ORDER BY mod(change.change_number, 100000000000000000)
    LIMIT %(row_limit)s
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
    run.api_retry_count,
    (
        run.status = 'running'
        AND run.updated_at < now() - %(stale_after)s::interval
    ) AS stale,
    run.change_number
FROM following
INNER JOIN agent_runs AS run
    ON
        following.change_number = run.change_number
        AND run.change_number > 0
ORDER BY mod(run.change_number, 100000000000000000);
