-- Checks that a new connection has the options that it was opened with. A transaction pooler may
-- drop them; it then keeps no prepared statements either.
-- params: time_limit (the statement_timeout that was asked for, a duration such as 10s)
-- index: none
-- locks: none
-- returns: one row: arrived
SELECT
    current_setting('statement_timeout')::interval = %(time_limit)s::interval
    AND current_setting('enable_seqscan') = 'off'
    AND current_setting('jit') = 'off' AS arrived;
