-- Limits how long the rest of a transaction waits for a connection to a worker.
-- params: none
-- index: none
-- locks: none
-- returns: the setting that is now in force
SELECT set_config('citus.node_connection_timeout', '2s', TRUE) AS node_connection_timeout;
