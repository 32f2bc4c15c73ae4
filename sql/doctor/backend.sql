-- Names the server process that runs this transaction. Behind a transaction pooler it changes.
-- params: none
-- index: none
-- locks: none
-- returns: one row: process_id
SELECT pg_backend_pid() AS process_id;
