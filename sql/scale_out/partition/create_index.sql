-- Builds the index that becomes the primary key of the first partition. Not in a transaction.
-- Readers and writers go on.
-- params: none
-- index: none: it reads the table twice
-- locks: SHARE UPDATE EXCLUSIVE on runtime_events; waits for transactions that are older
-- returns: nothing
CREATE UNIQUE INDEX CONCURRENTLY runtime_events_id_recorded_at
ON runtime_events (id, recorded_at);
