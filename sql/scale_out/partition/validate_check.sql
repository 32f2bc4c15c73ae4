-- Reads the whole table. Readers and writers go on.
-- params: none
-- index: none: it reads the table
-- locks: SHARE UPDATE EXCLUSIVE on runtime_events, until the transaction ends
-- returns: nothing
ALTER TABLE runtime_events VALIDATE CONSTRAINT runtime_events_boundary;
