-- Adds the first missing partition of today and the days ahead.
-- params: days_ahead
-- index: system catalogue; ix_runtime_events_recorded_at of the default partition
-- locks: advisory lock 7310; the default partition against readers, until the transaction ends
-- returns: added, its name; NULL: none is missing
SELECT add_runtime_events_partition(%(days_ahead)s) AS added;
