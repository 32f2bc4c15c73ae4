-- Records that the sequences are above the rows of all workers, until the next crash.
-- params: none
-- index: sequences_checked_pkey
-- locks: the new row
-- returns: nothing
INSERT INTO sequences_checked (checked_at) VALUES (clock_timestamp())
ON CONFLICT (checked_at) DO NOTHING;
