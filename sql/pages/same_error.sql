-- Counts the runs of the day before and after a moment that failed with the same error.
-- params: error (first 200 characters of the summary), created_from, created_until
-- index: ix_agent_runs_status_created_at
-- locks: none
-- returns: one row: runs
SELECT count(*) AS runs
FROM agent_runs
WHERE
    status IN ('failure', 'timeout')
    AND created_at >= %(created_from)s::timestamptz
    AND created_at < %(created_until)s::timestamptz
    AND left(error_summary, 200) = left(%(error)s, 200);
