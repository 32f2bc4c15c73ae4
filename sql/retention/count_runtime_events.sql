-- Counts what sql/retention/prune_runtime_events.sql would delete next, whole moments at a time.
-- params: after_recorded_at (where the count before ended), cutoff (exclusive), row_limit
-- index: ix_runtime_events_recorded_at, read backwards
-- locks: none
-- returns: one row: walked, deleted (would be) and last_recorded_at (NULL: no event follows)
WITH walked AS MATERIALIZED (
    SELECT event.recorded_at
    FROM runtime_events AS event
    WHERE
        event.recorded_at > %(after_recorded_at)s::timestamptz
        AND event.recorded_at < %(cutoff)s::timestamptz
    ORDER BY event.recorded_at
    FETCH FIRST %(row_limit)s ROWS WITH TIES
)

SELECT
    count(*) AS walked,
    count(*) AS deleted,
    max(walked.recorded_at) AS last_recorded_at
FROM walked;
