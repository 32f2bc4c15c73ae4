-- Prepares the rest of a transaction for reading definitions: names are printed with their schema,
-- and printing an expression waits for any client that has its table locked, no longer than given.
-- params: lock_timeout (such as 1s; 0: as long as it takes)
-- index: none
-- locks: none
-- returns: the settings that are now in force
SELECT
    set_config('search_path', 'pg_catalog', TRUE) AS search_path,
    set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout;
