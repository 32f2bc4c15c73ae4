-- Takes an advisory lock until the end of the transaction. Two transactions of one database cannot
-- both have it, so a second one that gets it is in another database, or on another server.
-- params: mark (a random number)
-- index: none
-- locks: the advisory lock
-- returns: one row: taken
SELECT pg_try_advisory_xact_lock(%(mark)s) AS taken;
