-- Leaves the ids of the next events in the table of keys. In the order of the primary key, so that
-- a correction by a DBA can't move an event out of the way of the walk.
-- params: after (id of the last event of the batch before), row_limit
-- index: runtime_events_pkey
-- locks: the new rows
-- returns: one row: walked, last_id (NULL: no event follows)
WITH walked AS MATERIALIZED (
    SELECT
        event.id,
        event.recorded_at
    FROM runtime_events AS event
    WHERE event.id > %(after)s
    ORDER BY event.id
    LIMIT %(row_limit)s
),

kept AS (
    INSERT INTO runtime_event_ids (id, recorded_at)
    SELECT
        walked.id,
        walked.recorded_at
    FROM walked
    ON CONFLICT (id) DO NOTHING
)

SELECT
    count(*) AS walked,
    max(walked.id) AS last_id
FROM walked;
