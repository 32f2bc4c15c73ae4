-- Describes where the tables of the ledger are placed. Needs the extension.
-- Run it after definitions_set_up.sql.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: kind, name and definition, one row for each table that is distributed
SELECT
    'placement' AS kind,
    placed.logicalrelid::text AS name,
    row(
        placed.partmethod,
        column_to_column_name(placed.logicalrelid, placed.partkey),
        placed.colocationid = ledger.colocationid
    )::text AS definition
FROM pg_dist_partition AS placed
INNER JOIN pg_class ON placed.logicalrelid = pg_class.oid
INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
LEFT JOIN pg_dist_partition AS ledger
    ON to_regclass('os_core.audio_runtime_events') = ledger.logicalrelid
WHERE pg_namespace.nspname IN ('os_core', 'audit');
