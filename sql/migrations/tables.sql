-- Lists the tables whose rows must not be lost. It leaves out the runner's own tables, the counts,
-- which can be computed again, what retention notes for itself, and unlogged tables, which
-- PostgreSQL may empty at any time.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: name, as a regclass
SELECT pg_class.oid::regclass::text AS name
FROM pg_class
INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
WHERE
    pg_class.relkind IN ('r', 'p')
    AND pg_class.relpersistence = 'p'
    AND pg_namespace.nspname NOT IN ('pg_catalog', 'information_schema')
    AND pg_class.relname NOT IN (
        'migration_checksums',
        'agent_run_counts',
        'agent_run_count_changes',
        'retention_passes',
        'runtime_events_pruned'
    )
    AND pg_class.relname NOT LIKE '%%yoyo%%'
ORDER BY name;
