-- Has the embedded server preload pg_stat_statements from its next start on.
-- params: none
-- index: none
-- locks: none
-- returns: nothing
ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';
