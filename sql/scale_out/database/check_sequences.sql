-- Records that the sequences are above the rows of all workers, until the next crash.
-- params: none
-- index: sequences_checked_pkey
-- locks: the new row
-- returns: one row: marked, empty
SELECT mark_sequences_checked()::text AS marked;
