-- Limits the time of each statement until the end of the transaction, for connections
-- behind a transaction pooler, which can't carry the limit as a connection option.
-- params: time_limit (a duration such as 10s)
-- index: none
-- locks: none
-- returns: the limit that is now in force
SELECT set_config('statement_timeout', %(time_limit)s, TRUE);
