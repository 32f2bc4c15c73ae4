-- Drops the oldest partition whose events were all recorded before a moment. The highest numbers of
-- its lanes stay in runtime_events_pruned, so that the change token and the feeds stay right.
-- params: cutoff
-- index: ix_runtime_events_lane_number of the partition
-- locks: advisory lock 7310; the partition against writers, then the table, in ACCESS EXCLUSIVE
-- mode, until the transaction ends
-- returns: name and events (how many it held); no row: no partition is that old
SELECT
    dropped.name,
    dropped.events
FROM drop_runtime_events_partition(%(cutoff)s) AS dropped;
