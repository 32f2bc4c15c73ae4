-- Counts the writes of the last hour.
-- params: none
-- index: ix_agent_runs_created_at
-- locks: none
-- returns: one row: runs (that were created), last_run_at
SELECT
    count(*) AS runs,
    max(created_at) AS last_run_at
FROM agent_runs
WHERE created_at > now() - interval '1 hour';
