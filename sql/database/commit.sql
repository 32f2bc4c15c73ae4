-- Ends a transaction. It is sent together with the last statements; when one of them fails, the
-- server skips it.
-- params: none
-- index: none
-- locks: releases those of the transaction
-- returns: nothing
COMMIT;
