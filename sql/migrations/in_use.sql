-- Lists the relations that hold something, so that demo data is never mixed with it. Of the
-- service's tables, those that a client fills; the others of os_core refer to os_core.devices. Of
-- all that others made, what is not empty on disk, because rows cannot be asked for by a name that
-- is not known here.
-- params: none
-- index: none; it reads one row of each table
-- locks: none
-- returns: name, one row per relation that holds something
WITH service AS (
    SELECT to_regclass(table_name) AS oid
    FROM
        unnest(
            ARRAY[
                'agent_runs',
                'agent_run_counts',
                'agent_run_count_changes',
                'runtime_events',
                'os_core.devices',
                'os_core.sessions',
                'os_core.audio_runtime_events',
                'os_core.audio_runtime_heads',
                'os_core.audio_runtime_current',
                'audio_runtime_verifications',
                'audit.audit_events',
                'retention_passes',
                'runtime_events_pruned',
                'migration_checksums',
                'rate_limit_clients',
                'sequences_checked',
                '_yoyo_migration',
                '_yoyo_log',
                '_yoyo_version',
                'yoyo_lock'
            ]
        ) AS table_name
    WHERE to_regclass(table_name) IS NOT NULL
)

SELECT held.name
FROM (
    SELECT 'agent_runs' AS name
    WHERE EXISTS (SELECT 1 FROM agent_runs)
    UNION ALL
    SELECT 'runtime_events' AS name
    WHERE EXISTS (SELECT 1 FROM runtime_events)
    UNION ALL
    SELECT 'os_core.devices' AS name
    WHERE EXISTS (SELECT 1 FROM os_core.devices)
    UNION ALL
    SELECT 'audit.audit_events' AS name
    WHERE EXISTS (SELECT 1 FROM audit.audit_events)
    UNION ALL
    SELECT pg_class.oid::regclass::text AS name
    FROM pg_class
    INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
    WHERE
        pg_class.relkind IN ('r', 'm')
        AND pg_namespace.nspname NOT IN ('pg_catalog', 'information_schema')
        AND pg_class.oid NOT IN (SELECT service.oid FROM service)
        AND pg_relation_size(pg_class.oid) > 0
) AS held
ORDER BY held.name;
