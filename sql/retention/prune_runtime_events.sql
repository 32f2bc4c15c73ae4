-- Deletes the oldest events that were recorded before the cutoff. The highest number of each lane
-- is kept in runtime_events_pruned, so that the change token stays the same.
-- params: after_recorded_at (where the batch before ended), cutoff (exclusive), row_limit
-- index: ix_runtime_events_recorded_at, read backwards; runtime_events_pkey
-- locks: the rows that it deletes, and those of their lanes in runtime_events_pruned
-- returns: one row: walked, deleted and last_recorded_at (NULL: no event follows)
WITH walked AS MATERIALIZED (
    SELECT
        event.id,
        event.recorded_at
    FROM runtime_events AS event
    WHERE
        event.recorded_at >= %(after_recorded_at)s::timestamptz
        AND event.recorded_at < %(cutoff)s::timestamptz
    ORDER BY event.recorded_at
    LIMIT %(row_limit)s
),

removed AS (
    DELETE FROM runtime_events AS event
    WHERE
        event.id = any(array(SELECT walked.id FROM walked))
        AND event.recorded_at < %(cutoff)s::timestamptz
    RETURNING
        event.lane,
        event.number
),

marked AS (
    INSERT INTO runtime_events_pruned AS pruned (lane, number)
    SELECT
        removed.lane,
        max(removed.number)
    FROM removed
    GROUP BY removed.lane
    ORDER BY removed.lane
    ON CONFLICT (
        lane) DO UPDATE SET number = excluded.number
    WHERE pruned.number < excluded.number
)

SELECT
    (SELECT count(*) FROM walked) AS walked,
    (SELECT count(*) FROM removed) AS deleted,
    (SELECT max(walked.recorded_at) FROM walked) AS last_recorded_at;
