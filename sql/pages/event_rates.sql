-- Counts the runtime events of the last hour that were written: rows, whatever they stand for.
-- params: none
-- index: ix_runtime_events_recorded_at
-- locks: none
-- returns: one row: events, last_event_at
SELECT
    count(*) AS events,
    max(recorded_at) AS last_event_at
FROM runtime_events
WHERE recorded_at > now() - interval '1 hour';
