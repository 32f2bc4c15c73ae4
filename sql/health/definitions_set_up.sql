-- Prepares the rest of a transaction for reading definitions: names are printed with their schema.
-- params: none
-- index: none
-- locks: none
-- returns: the setting that is now in force
SELECT set_config('search_path', 'pg_catalog', TRUE) AS search_path;
