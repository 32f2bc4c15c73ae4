-- Limits how long the rest of the transaction waits for a locked table.
-- params: lock_timeout (such as 1s)
-- index: none
-- locks: none
-- returns: the setting that is now in force
SELECT set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout;
