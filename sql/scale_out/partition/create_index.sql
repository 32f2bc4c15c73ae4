-- Builds the index that becomes the primary key of the first partition. Not in a transaction.
-- Readers and writers go on.
CREATE UNIQUE INDEX CONCURRENTLY runtime_events_id_recorded_at
ON runtime_events (id, recorded_at);
