-- Compares the plain copy with the partitioned table, by their content. Each change of an event
-- reaches both in one transaction, so they are the same at any moment: nobody has to wait.
-- params: none
-- index: none: it reads both tables, some 3.5 s of CPU for a million events
-- locks: none
-- returns: one row: events, copied (how many there are in each) and is_same
SELECT
    original.events,
    copy.events AS copied,
    original.events = copy.events AND original.content = copy.content AS is_same
FROM (
    SELECT
        count(*) AS events,
        coalesce(sum(hashtextextended(event::text, 0)), 0) AS content
    FROM runtime_events AS event
) AS original
CROSS JOIN (
    SELECT
        count(*) AS events,
        coalesce(sum(hashtextextended(event::text, 0)), 0) AS content
    FROM runtime_events_plain AS event
) AS copy;
