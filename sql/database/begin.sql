-- Begins a transaction, whatever the isolation level that the database has as its default: each
-- statement is to see what was committed before it began.
-- params: none
-- index: none
-- locks: none
-- returns: nothing
START TRANSACTION ISOLATION LEVEL READ COMMITTED;
