-- Deletes the ids of events that are gone from the next blocks of the table of keys.
-- params: cutoff, first_block, block_count
-- index: none: it reads the blocks; runtime_events_pkey of the partitions before the cutoff
-- locks: the rows that it deletes; waits for a writer that takes one of their ids over
-- returns: one row: next_block (NULL: that was the last one) and forgotten
SELECT
    part.next_block,
    part.forgotten
FROM forget_runtime_event_ids(%(cutoff)s, %(first_block)s, %(block_count)s) AS part;
