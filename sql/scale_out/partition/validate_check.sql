-- Reads the whole table. Readers and writers go on.
ALTER TABLE runtime_events VALIDATE CONSTRAINT runtime_events_boundary;
