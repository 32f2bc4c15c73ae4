-- Removes the table of keys of a plain table, with all that refers to it: the statements of one
-- transaction.
DROP TRIGGER IF EXISTS keep_runtime_event_id ON runtime_events;

DROP FUNCTION IF EXISTS keep_runtime_event_id();

DROP TABLE IF EXISTS runtime_event_ids;
