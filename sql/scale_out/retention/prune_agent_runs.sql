-- Deletes the old runs among the next ones in the order of created_at. A run is old when its
-- created_at is before the cutoff, by the clock of the agent. Where that clock was ahead of the
-- database's, updated_at has to be before the cutoff. A running run that is not stale is kept.
-- params: after_created_at, after_event_id (the last run of the batch before),
-- created_until (exclusive), cutoff, stale_after (interval after which a running run is stale),
-- row_limit
-- index: ix_agent_runs_created_at, read backwards; agent_runs_pkey
-- locks: the rows that it deletes; it waits for a writer that has one of them locked
-- returns: one row: walked, deleted, last_created_at and last_event_id (NULL: no run follows)
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

removed AS (
    DELETE FROM agent_runs AS run
    WHERE
        run.event_id = any(array(
            SELECT walked.event_id FROM walked
            WHERE walked.is_old
        ))
        AND least(run.created_at, run.updated_at) < %(cutoff)s::timestamptz
        AND (
            run.status <> 'running'
            OR run.updated_at < now() - %(stale_after)s::interval
        )
    RETURNING run.event_id
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
    (SELECT count(*) FROM removed) AS deleted,
    (SELECT newest.created_at FROM newest) AS last_created_at,
    (SELECT newest.event_id FROM newest) AS last_event_id;
