-- Adds up the runs of a window by agent, the busiest first. Percentiles are of the runs that have
-- ended. They come from counts of equal durations, rounded to three digits, which is as much as
-- people read: to count can use several processes and to sort every duration can't.
-- params: created_from, created_until, agent_name, environment (NULL: any), row_limit
-- index: ix_agent_runs_created_at, or ix_agent_runs_agent_name_newest by agent
-- locks: none
-- returns: agent_name, runs, ended, succeeded, p50_ms, p95_ms, last_created_at, environments (the
-- first 20 of the window), agents (how many there are in all)
WITH counted AS (
    SELECT
        agent_name,
        environment,
        status,
        CASE
            WHEN duration_ms < 1000 THEN duration_ms
            WHEN duration_ms < 10000 THEN (duration_ms + 5) / 10 * 10
            WHEN duration_ms < 100000 THEN (duration_ms + 50) / 100 * 100
            WHEN duration_ms < 1000000 THEN (duration_ms + 500) / 1000 * 1000
            ELSE duration_ms / 10000 * 10000
        END AS ms,
        count(*) AS runs,
        max(created_at) AS last_created_at
    FROM agent_runs
    WHERE
        created_at >= %(created_from)s::timestamptz
        AND created_at < %(created_until)s::timestamptz
        AND (%(agent_name)s::text IS NULL OR agent_name = %(agent_name)s)
        AND (%(environment)s::text IS NULL OR environment = %(environment)s)
    GROUP BY agent_name, environment, status, ms
),

durations AS (
    SELECT
        agent_name,
        ms,
        sum(sum(runs)) OVER (PARTITION BY agent_name ORDER BY ms) AS up_to,
        sum(sum(runs)) OVER (PARTITION BY agent_name) AS ended
    FROM counted
    WHERE status <> 'running'
    GROUP BY agent_name, ms
),

percentiles AS (
    SELECT
        agent_name,
        min(ms) FILTER (WHERE up_to >= 0.5 * ended) AS p50_ms,
        min(ms) FILTER (WHERE up_to >= 0.95 * ended) AS p95_ms
    FROM durations
    GROUP BY agent_name
),

agents AS (
    SELECT
        agent_name,
        sum(runs)::bigint AS runs,
        coalesce(sum(runs) FILTER (WHERE status <> 'running'), 0)::bigint AS ended,
        coalesce(sum(runs) FILTER (WHERE status = 'success'), 0)::bigint AS succeeded,
        max(last_created_at) AS last_created_at,
        count(*) OVER () AS agents
    FROM counted
    GROUP BY agent_name
    ORDER BY runs DESC, agent_name ASC
    LIMIT %(row_limit)s
)

SELECT
    agents.agent_name,
    agents.runs,
    agents.ended,
    agents.succeeded,
    percentiles.p50_ms,
    percentiles.p95_ms,
    agents.last_created_at,
    agents.agents,
    array(
        SELECT DISTINCT counted.environment
        FROM counted
        WHERE counted.environment IS NOT NULL
        ORDER BY counted.environment
        LIMIT 20
    ) AS environments
FROM agents
LEFT JOIN percentiles ON agents.agent_name = percentiles.agent_name
ORDER BY agents.runs DESC, agents.agent_name ASC;
