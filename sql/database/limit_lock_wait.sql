-- Limits how long each statement of the rest of a transaction waits for a lock.
-- params: lock_timeout (such as 1s; 0: as long as it takes)
-- index: none
-- locks: none
-- returns: the setting that is now in force
SELECT set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout;
