-- Begins a transaction in which each statement sees everything committed before it. The database
-- may have another default isolation level.
-- params: none
-- index: none
-- locks: none
-- returns: nothing
START TRANSACTION ISOLATION LEVEL READ COMMITTED;
