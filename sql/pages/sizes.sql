-- Measures the tables that grow, and their indexes. A DBA can run it in psql as it stands here.
-- Rows are those of the last ANALYZE or VACUUM. The size of a table includes its large values,
-- which PostgreSQL keeps in a table of their own (TOAST).
-- params: none
-- index: system catalogue
-- locks: ACCESS SHARE on the tables and indexes
-- returns: table_name, index_name (NULL: the table itself), rows (an estimate), bytes,
-- bytes_per_row (NULL: no row is known of), and gib_per_million (rows)
WITH growing AS (
    SELECT
        pg_class.oid,
        pg_class.oid::regclass::text AS table_name,
        greatest(pg_class.reltuples, 0)::bigint AS rows
    FROM
        unnest(
            ARRAY[
                'agent_runs',
                'runtime_events',
                'os_core.audio_runtime_events',
                'audit.audit_events',
                'os_core.audio_runtime_current',
                'os_core.audio_runtime_heads',
                'os_core.devices'
            ]
        ) AS known (name)
    INNER JOIN pg_class ON to_regclass(known.name) = pg_class.oid
),

measured AS (
    SELECT
        growing.table_name,
        NULL AS index_name,
        growing.rows,
        pg_table_size(growing.oid) AS bytes
    FROM growing
    UNION ALL
    SELECT
        growing.table_name,
        pg_class.relname::text AS index_name,
        growing.rows,
        pg_relation_size(pg_class.oid) AS bytes
    FROM growing
    INNER JOIN pg_index ON growing.oid = pg_index.indrelid
    INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
)

SELECT
    measured.table_name,
    measured.index_name,
    measured.rows,
    measured.bytes,
    round(measured.bytes / nullif(measured.rows, 0)::numeric, 1) AS bytes_per_row,
    round(1000000 * measured.bytes / nullif(measured.rows, 0)::numeric / 1073741824, 2)
        AS gib_per_million
FROM measured
ORDER BY measured.table_name ASC, measured.index_name ASC NULLS FIRST;
