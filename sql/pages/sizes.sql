-- Measures the tables that grow, and their indexes. A partitioned table is measured as one. A DBA
-- can run it in psql as it stands here.
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
        pg_class.oid::regclass::text AS table_name
    FROM
        unnest(
            ARRAY[
                'agent_runs',
                'runtime_events',
                'runtime_event_ids',
                'os_core.audio_runtime_events',
                'audit.audit_events',
                'os_core.audio_runtime_current',
                'os_core.audio_runtime_heads',
                'os_core.devices'
            ]
        ) AS known (name)
    INNER JOIN pg_class ON to_regclass(known.name) = pg_class.oid
),

part AS (
    SELECT
        growing.oid AS table_oid,
        growing.table_name,
        pg_class.oid,
        greatest(pg_class.reltuples, 0)::bigint AS rows
    FROM growing
    INNER JOIN pg_class
        ON
            growing.oid = pg_class.oid
            OR pg_class.oid IN (
                SELECT pg_inherits.inhrelid FROM pg_inherits
                WHERE pg_inherits.inhparent = growing.oid
            )
    WHERE pg_class.relkind = 'r'
),

measured AS (
    SELECT
        part.table_name,
        NULL AS index_name,
        sum(part.rows)::bigint AS rows,
        sum(pg_table_size(part.oid))::bigint AS bytes
    FROM part
    GROUP BY part.table_name
    UNION ALL
    SELECT
        part.table_name,
        named.relname::text AS index_name,
        sum(part.rows)::bigint AS rows,
        sum(pg_relation_size(pg_index.indexrelid))::bigint AS bytes
    FROM part
    INNER JOIN pg_index ON part.oid = pg_index.indrelid
    LEFT JOIN pg_inherits ON pg_index.indexrelid = pg_inherits.inhrelid
    INNER JOIN pg_class AS named
        ON coalesce(pg_inherits.inhparent, pg_index.indexrelid) = named.oid
    GROUP BY part.table_name, named.relname
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
