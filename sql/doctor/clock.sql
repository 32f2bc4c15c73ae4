-- Reads the clock of the database.
-- params: none
-- index: none
-- locks: none
-- returns: one row: clock
SELECT clock_timestamp() AS clock;
