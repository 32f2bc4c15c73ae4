-- Lists the names of all agents and job types. Each step finds the next name in the index, so the
-- cost grows with the number of names and not with the number of runs.
-- params: none
-- index: ix_agent_runs_agent_name_newest or ix_agent_runs_agent_name_status_newest, and
-- ix_agent_runs_job_type_created_at
-- locks: none
-- returns: one row with two sorted arrays, agent_names and job_types
WITH RECURSIVE agents AS (
    SELECT min(agent_name) AS name FROM agent_runs
    UNION ALL
    SELECT (
        SELECT min(agent_name) FROM agent_runs
        WHERE agent_name > agents.name
    )
    FROM agents
    WHERE agents.name IS NOT NULL
),

jobs AS (
    SELECT min(job_type) AS name FROM agent_runs
    UNION ALL
    SELECT (
        SELECT min(job_type) FROM agent_runs
        WHERE job_type > jobs.name
    )
    FROM jobs
    WHERE jobs.name IS NOT NULL
)

SELECT
    array(
        SELECT name FROM agents
        WHERE name IS NOT NULL
        ORDER BY name COLLATE "C"
    ) AS agent_names,
    array(
        SELECT name FROM jobs
        WHERE name IS NOT NULL
        ORDER BY name COLLATE "C"
    ) AS job_types;
