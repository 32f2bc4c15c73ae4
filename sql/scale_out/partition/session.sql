-- Prepares the session of the command: no time limit, and no other command like it at the same
-- time. The lock is also freed when the session ends. 7311 is this service's number for it.
-- params: none
-- index: none
-- locks: advisory session lock 7311, unless another session has it
-- returns: is_mine, and the settings that are now in force
SELECT
    pg_try_advisory_lock(7311) AS is_mine,
    set_config('statement_timeout', '0', FALSE) AS statement_timeout,
    set_config('lock_timeout', '0', FALSE) AS lock_timeout,
    set_config('idle_in_transaction_session_timeout', '0', FALSE) AS idle_timeout;
