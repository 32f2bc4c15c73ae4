-- Begins a transaction in which each statement sees everything committed before it, whatever the
-- default isolation level of the database is.
-- params: none
-- index: none
-- locks: none
-- returns: nothing
START TRANSACTION ISOLATION LEVEL READ COMMITTED;
