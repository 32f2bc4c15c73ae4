-- Looks for events in the default partition that were recorded at or after a moment, where no other
-- partition ends later.
-- params: recorded_from (the end of the newest partition)
-- index: ix_runtime_events_recorded_at
-- locks: none
-- returns: one row: found
SELECT
    exists(
        SELECT 1 FROM runtime_events
        WHERE recorded_at >= %(recorded_from)s::timestamptz
    ) AS found;
