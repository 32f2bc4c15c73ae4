-- Counts what sql/retention/prune_agent_runs.sql would delete among the next runs.
-- params: after_created_at, after_event_id (the last run of the batch before),
-- created_until (exclusive), cutoff, stale_after (interval after which a running run is stale),
-- row_limit
-- index: ix_agent_runs_created_at, read backwards
-- locks: none
-- returns: one row: walked, deleted (would be), last_created_at, last_event_id (NULL: none follows)
WITH walked AS MATERIALIZED (
    SELECT
        run.created_at,
        run.event_id,
        least(run.created_at, run.updated_at) < %(cutoff)s::timestamptz
        AND (
            run.status <> 'running'
            OR run.updated_at < now() - %(stale_after)s::interval
        ) AS is_old
    FROM agent_runs AS run
    WHERE
        (run.created_at, run.event_id) > (%(after_created_at)s::timestamptz, %(after_event_id)s)
        AND run.created_at < %(created_until)s::timestamptz
    ORDER BY run.created_at, run.event_id
    LIMIT %(row_limit)s
),

newest AS (
    SELECT
        walked.created_at,
        walked.event_id
    FROM walked
    ORDER BY walked.created_at DESC, walked.event_id DESC
    LIMIT 1
)

SELECT
    (SELECT count(*) FROM walked) AS walked,
    (
        SELECT count(*) FROM walked
        WHERE walked.is_old
    ) AS deleted,
    (SELECT newest.created_at FROM newest) AS last_created_at,
    (SELECT newest.event_id FROM newest) AS last_event_id;
