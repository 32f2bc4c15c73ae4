-- Reports whether the sequences were compared with the rows of all workers since the last crash of
-- the coordinator. Asked of a new connection.
-- params: none
-- index: none: the table has a row at most for each connection that was opened right after a crash
-- locks: none
-- returns: one row: are_checked
SELECT count(*) > 0 AS are_checked FROM sequences_checked;
