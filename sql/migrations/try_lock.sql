-- Makes the caller the only migrator of this database until its transaction ends. The lock is also
-- freed when the caller dies. 7305 is this service's number for it.
-- params: none
-- index: none
-- locks: advisory transaction lock 7305
-- returns: locked (false when another migrator holds the lock) and idle_timeout, now 0, because the
-- transaction is idle while the migrations run
SELECT
    pg_try_advisory_xact_lock(7305) AS locked,
    set_config('idle_in_transaction_session_timeout', '0', TRUE) AS idle_timeout;
