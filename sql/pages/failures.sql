-- Groups the failures and timeouts of a window by the first 200 characters of their error summary,
-- the most frequent first.
-- params: created_from, created_until, agent_name, environment (NULL: any), row_limit
-- index: ix_agent_runs_status_created_at, or ix_agent_runs_agent_name_status_newest by agent
-- locks: none
-- returns: error (NULL: without a summary), runs, agents (how many), first_at, last_at, event_id
-- of the latest, kinds (how many groups there are in all)
SELECT
    left(error_summary, 200) AS error,
    count(*) AS runs,
    count(DISTINCT agent_name) AS agents,
    min(created_at) AS first_at,
    max(created_at) AS last_at,
    (array_agg(event_id ORDER BY created_at DESC, event_id DESC))[1] AS event_id,
    count(*) OVER () AS kinds
FROM agent_runs
WHERE
    status IN ('failure', 'timeout')
    AND created_at >= %(created_from)s::timestamptz
    AND created_at < %(created_until)s::timestamptz
    AND (%(agent_name)s::text IS NULL OR agent_name = %(agent_name)s)
    AND (%(environment)s::text IS NULL OR environment = %(environment)s)
-- Grouped by number: a column of a DBA may have the name of an output column.
GROUP BY 1
ORDER BY 2 DESC, 5 DESC
LIMIT %(row_limit)s;
