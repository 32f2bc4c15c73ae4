-- Checks that a new connection has the options that it was opened with. A transaction pooler may
-- drop them; it then keeps no prepared statements either. Also reports whether tables of the
-- service are distributed, as is_distributed.sql does.
-- params: time_limit (the statement_timeout that was asked for, a duration such as 10s)
-- index: system catalogue
-- locks: none
-- returns: one row: arrived, is_distributed
SELECT
    current_setting('statement_timeout')::interval = %(time_limit)s::interval
    AND current_setting('enable_seqscan') = 'off'
    AND current_setting('jit') = 'off' AS arrived,
    (
        SELECT count(*) FROM pg_trigger
        WHERE tgfoid = to_regproc('pg_catalog.citus_truncate_trigger')
    ) > 0 AS is_distributed;
