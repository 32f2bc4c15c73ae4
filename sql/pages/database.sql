-- Describes the database and its migrations for the page of the status.
-- params: none
-- index: none; yoyo's table has one row for each migration, and the rest is the system catalogue
-- locks: none
-- returns: one row: version, size (bytes), started_at, connections, max_connections, migrations
-- (how many are applied), last_migration, migrated_at, clock
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
    clock_timestamp() AS clock;
