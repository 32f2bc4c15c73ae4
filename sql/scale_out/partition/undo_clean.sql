-- Removes the plain copy of an --undo that did not end: the statements of one transaction.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events, each partition and the copy, until the end
-- returns: nothing
DROP TRIGGER IF EXISTS mirror_runtime_event ON runtime_events;

DROP TRIGGER IF EXISTS mirror_truncate ON runtime_events;

DROP FUNCTION IF EXISTS mirror_runtime_event();

DROP FUNCTION IF EXISTS copy_runtime_events(text, bigint);

DROP TABLE IF EXISTS runtime_events_plain;
