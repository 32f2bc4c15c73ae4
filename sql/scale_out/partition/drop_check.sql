-- Accepts events of any time again.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events, until the transaction ends
-- returns: nothing
ALTER TABLE runtime_events DROP CONSTRAINT IF EXISTS runtime_events_boundary;
