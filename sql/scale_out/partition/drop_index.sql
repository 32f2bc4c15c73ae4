-- Removes the index for the new primary key, such as an attempt that was interrupted leaves it.
-- Not in a transaction. Readers and writers go on.
-- params: none
-- index: none
-- locks: SHARE UPDATE EXCLUSIVE on runtime_events; waits for transactions that use the index
-- returns: nothing
DROP INDEX CONCURRENTLY IF EXISTS runtime_events_id_recorded_at;
