-- Lists the newest runs of an agent and a job that have ended, and the run itself, among the newest
-- 2,000 of the agent: an agent with many jobs must not make the page slow.
-- params: event_id (of the run itself), agent_name, job_type, created_until (NULL: now), row_limit
-- index: ix_agent_runs_agent_name_newest
-- locks: none
-- returns: event_id, status, start_time, ms (how long it took; NULL: unknown), newest first
SELECT
    event_id,
    status,
    start_time,
    ms
FROM (
    SELECT
        event_id,
        job_type,
        status,
        start_time,
        run_duration_ms(duration_ms, start_time, end_time) AS ms,
        created_at
    FROM agent_runs
    WHERE
        agent_name = %(agent_name)s
        AND (%(created_until)s::timestamptz IS NULL OR created_at <= %(created_until)s)
    ORDER BY created_at DESC, event_id DESC
    LIMIT 2000
) AS newest
WHERE
    job_type = %(job_type)s
    AND (status <> 'running' OR event_id = %(event_id)s)
ORDER BY created_at DESC, event_id DESC
LIMIT %(row_limit)s;
