-- Lets the statements of a session take as long as they need, whatever limit the role or the
-- database has: for migrations without a transaction, such as the building of an index.
-- params: none
-- index: none
-- locks: none
-- returns: the setting that is now in force
SELECT set_config('statement_timeout', '0', FALSE) AS statement_timeout;
