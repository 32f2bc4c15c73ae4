-- Asks a database whether it can be used.
-- params: none
-- index: none
-- locks: none
-- returns: one row: up
SELECT TRUE AS up;
