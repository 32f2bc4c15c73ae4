-- Removes the table of keys of a plain table, with all that refers to it: the statements of one
-- transaction.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events and on the table of keys, until the transaction ends
-- returns: nothing
DROP TRIGGER IF EXISTS keep_runtime_event_id ON runtime_events;

DROP FUNCTION IF EXISTS keep_runtime_event_id();

DROP TABLE IF EXISTS runtime_event_ids;
