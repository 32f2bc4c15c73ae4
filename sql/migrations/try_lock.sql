-- Makes the caller the only migrator of this database until its transaction ends, so also
-- when it dies. 7305 is this service's number for it.
-- params: none
-- index: none
-- locks: advisory transaction lock 7305
-- returns: locked, false when another migrator has it; and that the transaction may be idle
-- while the migrations run
SELECT
    pg_try_advisory_xact_lock(7305) AS locked,
    set_config('idle_in_transaction_session_timeout', '0', TRUE) AS idle_timeout;
