-- Adds up the runs of a window by agent: those with few successes first, and then the busiest. It
-- steps from one agent to the next in the index, and reads the runs of each from the index alone.
-- The success rate of a page is that of succeeded to ended: a run that still runs has neither
-- succeeded nor failed. Percentiles are of the runs that have ended and whose duration is known.
-- params: created_from, created_until, agent_name (NULL: any), good_share (an agent with a smaller
-- share of successes comes first), row_limit
-- index: ix_agent_runs_agent_name_newest
-- locks: none
-- returns: agent_name, runs, ended, succeeded, percentiles (p50 and p95 of the milliseconds; NULL:
-- of none), last_created_at, agents (how many there are in all)
WITH RECURSIVE agent AS (
    SELECT coalesce(%(agent_name)s::text, (SELECT min(agent_name) FROM agent_runs)) AS name
    UNION ALL
    SELECT (
        SELECT min(agent_name) FROM agent_runs
        WHERE agent_name > agent.name
    )
    FROM agent
    WHERE agent.name IS NOT NULL AND %(agent_name)s::text IS NULL
)

SELECT
    agent.name AS agent_name,
    added.runs,
    added.ended,
    added.succeeded,
    added.percentiles,
    added.last_created_at,
    count(*) OVER () AS agents
FROM agent
CROSS JOIN
    LATERAL (
        SELECT
            count(*) AS runs,
            count(*) FILTER (WHERE status <> 'running') AS ended,
            count(*) FILTER (WHERE status = 'success') AS succeeded,
            percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (
                ORDER BY run_duration_ms(duration_ms, start_time, end_time)
            ) FILTER (WHERE status <> 'running') AS percentiles,
            max(created_at) AS last_created_at
        FROM agent_runs
        WHERE
            agent_name = agent.name
            AND created_at >= %(created_from)s::timestamptz
            AND created_at < %(created_until)s::timestamptz
    ) AS added
WHERE added.runs > 0
ORDER BY
    added.succeeded < %(good_share)s::double precision * added.ended DESC,
    added.runs DESC,
    agent.name ASC
LIMIT %(row_limit)s;
