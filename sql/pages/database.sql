-- Describes the database and its migrations for the page of the status.
-- params: none
-- index: none; yoyo's table has one row for each migration, and the rest is the system catalogue
-- locks: none
-- returns: one row: version, size (bytes), started_at, connections, max_connections, migrations
-- (how many are applied), last_migration, migrated_at, clock, is_archiving (the log of changes),
-- last_archived_at, archive_failed_at (NULL: it has not failed since), analysts (the roles other
-- than the owner that may use the views)
SELECT
    current_setting('server_version') AS version,
    pg_database_size(current_database()) AS size,
    pg_postmaster_start_time() AS started_at,
    (
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database()
    ) AS connections,
    current_setting('max_connections')::integer AS max_connections,
    (SELECT count(*) FROM _yoyo_migration) AS migrations,
    (SELECT max(migration_id) FROM _yoyo_migration) AS last_migration,
    (SELECT max(applied_at_utc) AT TIME ZONE 'UTC' FROM _yoyo_migration) AS migrated_at,
    clock_timestamp() AS clock,
    current_setting('archive_mode') <> 'off' AS is_archiving,
    archiver.last_archived_time AS last_archived_at,
    CASE
        WHEN
            archiver.last_failed_time > coalesce(archiver.last_archived_time, '-infinity')
            THEN archiver.last_failed_time
    END AS archive_failed_at,
    array(
        SELECT DISTINCT coalesce(pg_roles.rolname::text, 'public')
        FROM pg_namespace
        CROSS JOIN LATERAL aclexplode(pg_namespace.nspacl) AS granted
        LEFT JOIN pg_roles ON granted.grantee = pg_roles.oid
        WHERE
            pg_namespace.nspname = 'telemetry_views'
            AND granted.grantee <> pg_namespace.nspowner
        ORDER BY coalesce(pg_roles.rolname::text, 'public')
    ) AS analysts
FROM pg_stat_archiver AS archiver;
