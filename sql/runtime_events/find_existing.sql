-- Finds which of the events that create.sql did not create exist, so that no event is reported as a
-- duplicate that is not stored.
-- params: ids (array)
-- index: runtime_events_pkey
-- locks: none
-- returns: id of each event that exists
SELECT id
FROM runtime_events
WHERE id = any(%(ids)s::text[]);
