-- Accepts events of any time again.
ALTER TABLE runtime_events DROP CONSTRAINT IF EXISTS runtime_events_boundary;
