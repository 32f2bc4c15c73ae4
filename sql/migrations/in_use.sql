-- Lists the tables that hold something, so that demo data is never mixed with it. Of the service's
-- tables, those that a client fills; of all others, those that are not empty on disk, because
-- their rows cannot be asked for by a name that is not known here.
-- params: none
-- index: none; it reads one row of each table
-- locks: none
-- returns: name, one row per table that holds something
SELECT held.name
FROM (
    SELECT 'agent_runs' AS name
    WHERE EXISTS (SELECT FROM agent_runs)
    UNION ALL
    SELECT 'runtime_events' AS name
    WHERE EXISTS (SELECT FROM runtime_events)
    UNION ALL
    SELECT 'os_core.devices' AS name
    WHERE EXISTS (SELECT FROM os_core.devices)
    UNION ALL
    SELECT 'audit.audit_events' AS name
    WHERE EXISTS (SELECT FROM audit.audit_events)
    UNION ALL
    SELECT pg_class.oid::regclass::text AS name
    FROM pg_class
    INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
    WHERE
        pg_class.relkind = 'r'
        AND pg_namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'os_core', 'audit')
        AND pg_class.relname NOT IN (
            'runtime_events',
            'migration_checksums',
            'rate_limit_clients',
            'audio_runtime_verifications'
        )
        AND pg_class.relname NOT LIKE 'agent\_run%%'
        AND pg_class.relname NOT LIKE '%%yoyo%%'
        AND pg_relation_size(pg_class.oid) > 0
) AS held
ORDER BY held.name;
