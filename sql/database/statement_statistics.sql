-- Reports whether the embedded server has yet to be set up to count its statements. A library that
-- another person chose to preload stays.
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
