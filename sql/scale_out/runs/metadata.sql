-- Lists the names of all agents and job types: the agents of the counts, the job types of all runs.
-- params: none
-- index: ix_agent_runs_job_type_created_at, all of it
-- locks: none
-- returns: one row with two sorted arrays, agent_names and job_types
WITH agents AS MATERIALIZED (
    SELECT
        agent_name AS name,
        sum(runs) AS runs
    FROM (
        SELECT
            agent_name,
            runs
        FROM agent_run_counts
        WHERE bucket = '-infinity'
        UNION ALL
        SELECT
            agent_name,
            runs
        FROM agent_run_count_changes
    ) AS part
    GROUP BY agent_name
),

jobs AS MATERIALIZED (
    SELECT job_type AS name FROM agent_runs
    GROUP BY job_type
)

SELECT
    array(
        SELECT name FROM agents
        WHERE runs > 0
        ORDER BY name COLLATE "C"
    ) AS agent_names,
    array(
        SELECT name FROM jobs
        ORDER BY name COLLATE "C"
    ) AS job_types;
