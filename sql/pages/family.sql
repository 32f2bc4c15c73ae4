-- Lists the relatives of a run: its parent, its siblings and its children, each newest first.
-- params: event_id, run_id, parent_run_id (NULL: none), row_limit (of each kind),
-- stale_after (interval after which a running run is stale)
-- index: ix_agent_runs_run_id, ix_agent_runs_parent_run_id_created_at
-- locks: none
-- returns: kind (parent, sibling or child), and what a timeline shows, with ms (how long it took;
-- NULL: unknown), in the order of start_time
SELECT
    relative.kind,
    relative.event_id,
    relative.run_id,
    relative.agent_name,
    relative.job_type,
    relative.status,
    relative.start_time,
    relative.ms,
    (
        relative.status = 'running'
        AND relative.updated_at < now() - %(stale_after)s::interval
    ) AS stale
FROM (
    (
        SELECT
            'parent' AS kind,
            event_id,
            run_id,
            agent_name,
            job_type,
            status,
            start_time,
            run_duration_ms(duration_ms, start_time, end_time) AS ms,
            updated_at
        FROM agent_runs
        WHERE
            run_id = %(parent_run_id)s::text
            AND event_id <> %(event_id)s
        ORDER BY created_at DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT
            'sibling' AS kind,
            event_id,
            run_id,
            agent_name,
            job_type,
            status,
            start_time,
            run_duration_ms(duration_ms, start_time, end_time) AS ms,
            updated_at
        FROM agent_runs
        WHERE
            parent_run_id = %(parent_run_id)s
            AND left(parent_run_id, 255) = left(%(parent_run_id)s, 255)
            AND event_id <> %(event_id)s
        ORDER BY created_at DESC
        LIMIT %(row_limit)s
    )
    UNION ALL
    (
        SELECT
            'child' AS kind,
            event_id,
            run_id,
            agent_name,
            job_type,
            status,
            start_time,
            run_duration_ms(duration_ms, start_time, end_time) AS ms,
            updated_at
        FROM agent_runs
        WHERE
            parent_run_id = %(run_id)s
            AND left(parent_run_id, 255) = left(%(run_id)s, 255)
            AND event_id <> %(event_id)s
        ORDER BY created_at DESC
        LIMIT %(row_limit)s
    )
) AS relative
ORDER BY relative.start_time, relative.event_id;
