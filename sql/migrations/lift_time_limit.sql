-- Removes the statement timeout from a session, even where the role or the database sets one. For
-- migrations without a transaction, such as one that builds an index.
-- params: none
-- index: none
-- locks: none
-- returns: the setting in force
SELECT set_config('statement_timeout', '0', FALSE) AS statement_timeout;
