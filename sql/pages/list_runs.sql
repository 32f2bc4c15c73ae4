-- Lists runs for the table, newest first: the columns that it shows, without the long texts. The
-- caller asks for one more than the page holds, to find out whether more follow. Never prepared,
-- so the planner chooses the index of the filters that are set. No index finds a part of an id, so
-- a part is searched among the runs since searched_since.
-- list_newer_runs.sql reads the other way.
-- params: agent_name, status, job_type, run_id, parent_run_id, environment, created_before,
-- created_after, start_time_from, start_time_to, stale, error (first 200 characters of the
-- summary), no_summary (TRUE: failed without one), id (event_id or run_id), part (of one of them),
-- cursor_created_at, cursor_event_id (NULL: any), stale_after (interval after which a running run
-- is stale), searched_since, cost_names (array: the metrics that may hold the cost; the first that
-- is a number counts), row_limit
-- index: ix_agent_runs_created_at, or the index of the filter that leaves the fewest rows; a
-- whole id joins agent_runs_pkey and ix_agent_runs_run_id
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
    run_duration_ms(duration_ms, start_time, end_time) AS ms,
    items_discovered,
    items_succeeded,
    items_failed,
    items_skipped,
    environment,
    left(error_summary, 200) AS error,
    git_repo,
    git_commit_hash,
    (
        SELECT agent_runs.metrics_json -> cost.name
        FROM unnest(%(cost_names)s::text[]) WITH ORDINALITY AS cost (name, place)
        WHERE jsonb_typeof(agent_runs.metrics_json -> cost.name) = 'number'
        ORDER BY cost.place
        LIMIT 1
    ) AS cost,
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
    AND (%(environment)s::text IS NULL OR environment = %(environment)s)
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
        %(error)s::text IS NULL
        OR (
            status IN ('failure', 'timeout')
            AND left(error_summary, 200) = left(%(error)s, 200)
        )
    )
    AND (
        %(no_summary)s::boolean IS NOT TRUE
        OR (
            status IN ('failure', 'timeout')
            AND coalesce(error_summary, '') = ''
        )
    )
    AND (
        %(id)s::text IS NULL
        OR event_id = %(id)s
        OR run_id = %(id)s
    )
    AND (
        %(part)s::text IS NULL
        OR (
            created_at > %(searched_since)s::timestamptz
            AND (strpos(event_id, %(part)s) > 0 OR strpos(run_id, %(part)s) > 0)
        )
    )
    AND (
        %(cursor_created_at)s::timestamptz IS NULL
        OR (created_at, event_id) < (%(cursor_created_at)s, %(cursor_event_id)s::text)
    )
ORDER BY created_at DESC, event_id DESC
LIMIT %(row_limit)s;
