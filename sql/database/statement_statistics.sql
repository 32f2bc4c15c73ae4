-- Tells whether the embedded server has still to be set up to count its statements. A library that
-- somebody else chose to preload is left as it is.
-- params: none
-- index: none
-- locks: none
-- returns: one row: missing (true when pg_stat_statements is installed and nothing is preloaded)
SELECT
    current_setting('shared_preload_libraries') = ''
    AND EXISTS (
        SELECT FROM pg_available_extensions
        WHERE name = 'pg_stat_statements'
    ) AS missing;
