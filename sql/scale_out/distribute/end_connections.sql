-- Ends every other connection to this database, at the end of a step: it knows the placement from
-- before. A new one waits for the lock, and so for the end of this transaction.
-- params: none
-- index: system catalogue
-- locks: ACCESS EXCLUSIVE on pg_trigger, where is_distributed.sql and set_up_transaction.sql look
-- returns: ended, how many
LOCK TABLE pg_trigger IN ACCESS EXCLUSIVE MODE;
SELECT count(pg_terminate_backend(pg_stat_activity.pid)) AS ended
FROM pg_stat_activity
WHERE
    pg_stat_activity.datname = current_database()
    AND pg_stat_activity.backend_type = 'client backend'
    AND pg_stat_activity.pid <> pg_backend_pid()
    AND pg_stat_activity.application_name NOT LIKE 'citus%';
