-- Describes the runs of a window that are running: how many of them are stale, and the longest of
-- the others.
-- params: created_from, created_until, agent_name, environment (NULL: any),
-- stale_after (interval after which a running run is stale)
-- index: ix_agent_runs_status_created_at, or ix_agent_runs_agent_name_status_newest by agent
-- locks: none
-- returns: one row: stale, stale_agent (the one with the most), running_since (NULL: none runs)
SELECT
    count(*) FILTER (WHERE updated_at < now() - %(stale_after)s::interval) AS stale,
    mode() WITHIN GROUP (ORDER BY agent_name) FILTER (
        WHERE updated_at < now() - %(stale_after)s::interval
    ) AS stale_agent,
    min(start_time) FILTER (
        WHERE updated_at >= now() - %(stale_after)s::interval
    ) AS running_since
FROM agent_runs
WHERE
    status = 'running'
    AND created_at >= %(created_from)s::timestamptz
    AND created_at < %(created_until)s::timestamptz
    AND (%(agent_name)s::text IS NULL OR agent_name = %(agent_name)s)
    AND (%(environment)s::text IS NULL OR environment = %(environment)s);
