-- Reports whether the server accepts writes in this transaction.
-- params: none
-- index: none
-- locks: none
-- returns: one row: read_only, and in_recovery (of a hot standby)
SELECT
    current_setting('transaction_read_only')::boolean AS read_only,
    pg_is_in_recovery() AS in_recovery;
