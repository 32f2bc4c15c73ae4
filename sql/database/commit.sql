-- Ends a transaction. Sent along with its last statements: when one of them failed, the server
-- skips this one.
-- params: none
-- index: none
-- locks: none, and gives those of the transaction back
-- returns: nothing
COMMIT;
