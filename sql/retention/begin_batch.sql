-- Begins the transaction of a batch. Two prunes of one table take turns, batch by batch. A prune
-- never waits long for a lock: writers queue behind one that waits for a table.
-- params: lock_key, lock_timeout (a duration such as 1s)
-- index: none
-- locks: advisory lock 7310 unless another transaction has it
-- returns: is_mine: the lock was free; and the lock_timeout
SELECT
    set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout,
    pg_try_advisory_xact_lock(7310, %(lock_key)s) AS is_mine;
