-- Asks a database whether it accepts writes.
-- params: none
-- index: none
-- locks: none
-- returns: one row: writable; a hot standby and a read-only setting make it false
SELECT NOT current_setting('transaction_read_only')::boolean AS writable;
