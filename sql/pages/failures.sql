-- Groups the failures and timeouts of a window by the first 200 characters of their error summary,
-- the most frequent first. It adds them up by error and agent first: to sort all of them by agent
-- takes longer.
-- params: created_from, created_until, agent_name, environment (NULL: any), row_limit
-- index: ix_agent_runs_status_created_at, or ix_agent_runs_agent_name_status_newest by agent; the
-- latest of each error by its time
-- locks: none
-- returns: error (NULL: without a summary, or with an empty one), runs, agents (how many),
-- first_at, last_at, event_id of the latest, kinds (how many groups there are in all)
WITH failed AS (
    SELECT
        nullif(left(error_summary, 200), '') AS error,
        agent_name AS agent,
        created_at AS moment
    FROM agent_runs
    WHERE
        status IN ('failure', 'timeout')
        AND created_at >= %(created_from)s::timestamptz
        AND created_at < %(created_until)s::timestamptz
        AND (%(agent_name)s::text IS NULL OR agent_name = %(agent_name)s)
        AND (%(environment)s::text IS NULL OR environment = %(environment)s)
),

added AS (
    SELECT
        error,
        agent,
        count(*) AS runs,
        min(moment) AS first_at,
        max(moment) AS last_at
    FROM failed
    GROUP BY error, agent
),

kind AS (
    SELECT
        error,
        sum(runs)::bigint AS runs,
        count(*) AS agents,
        min(first_at) AS first_at,
        max(last_at) AS last_at
    FROM added
    GROUP BY error
),

top AS (
    SELECT
        error,
        runs,
        agents,
        first_at,
        last_at,
        count(*) OVER () AS kinds
    FROM kind
    ORDER BY runs DESC, last_at DESC, error ASC
    LIMIT %(row_limit)s
)

SELECT
    top.error,
    top.runs,
    top.agents,
    top.first_at,
    top.last_at,
    latest.event_id,
    top.kinds
FROM top
CROSS JOIN
    LATERAL (
        SELECT event_id
        FROM agent_runs
        WHERE
            status IN ('failure', 'timeout')
            AND created_at = top.last_at
            AND nullif(left(error_summary, 200), '') IS NOT DISTINCT FROM top.error
            AND (%(agent_name)s::text IS NULL OR agent_name = %(agent_name)s)
            AND (%(environment)s::text IS NULL OR environment = %(environment)s)
        ORDER BY event_id DESC
        LIMIT 1
    ) AS latest
ORDER BY top.runs DESC, top.last_at DESC, top.error ASC;
