-- Lists the latest runs of some agents, newest first, whatever the window.
-- params: agent_names (array), environment (NULL: any), row_limit (for each agent),
-- stale_after (interval after which a running run is stale)
-- index: ix_agent_runs_agent_name_newest
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- locks: none
-- returns: agent_name, event_id, status, job_type, environment, start_time, ms (how long it took;
-- NULL: unknown), stale
WITH latest AS MATERIALIZED (
    SELECT latest.*
    FROM unnest(%(agent_names)s::text[]) AS agent (name)
    CROSS JOIN
        LATERAL (
            SELECT
                agent_name,
                event_id,
                status,
                job_type,
                environment,
                start_time,
                run_duration_ms(duration_ms, start_time, end_time) AS ms,
                updated_at,
                created_at
            FROM agent_runs
            WHERE
                agent_name = agent.name
                AND (%(environment)s::text IS NULL OR environment = %(environment)s)
            ORDER BY created_at DESC, event_id DESC
            LIMIT %(row_limit)s
        ) AS latest
    ORDER BY latest.agent_name
    LIMIT 1000000
),

placed AS (
    SELECT
        latest.*,
        row_number() OVER (
            PARTITION BY latest.agent_name ORDER BY latest.created_at DESC, latest.event_id DESC
        ) AS place
    FROM latest
)

SELECT
    latest.agent_name,
    latest.event_id,
    latest.status,
    latest.job_type,
    latest.environment,
    latest.start_time,
    latest.ms,
    (
        latest.status = 'running'
        AND latest.updated_at < now() - %(stale_after)s::interval
    ) AS stale
FROM placed AS latest
WHERE latest.place <= %(row_limit)s
ORDER BY latest.agent_name ASC, latest.created_at DESC, latest.event_id DESC;
