-- Makes the caller the only one that fills this database with demo data, until its transaction
-- ends. The lock is also freed when the caller dies. 7310 is this service's number for it.
-- params: none
-- index: none
-- locks: advisory transaction lock 7310
-- returns: locked (false when another one holds the lock) and idle_timeout, now 0, because the
-- transaction is idle while the database is filled
SELECT
    pg_try_advisory_xact_lock(7310) AS locked,
    set_config('idle_in_transaction_session_timeout', '0', TRUE) AS idle_timeout;
