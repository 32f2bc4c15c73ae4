-- Copies the next events to the plain table.
-- params: after (id of the last event of the batch before), row_limit
-- index: runtime_events_pkey of every partition
-- locks: the events, against changes
-- returns: one row: walked, last_id (NULL: no event follows)
SELECT
    batch.walked,
    batch.last_id
FROM copy_runtime_events(%(after)s, %(row_limit)s) AS batch;
