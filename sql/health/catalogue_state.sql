-- Returns a value that changes with any of the rows that table_definitions.sql and
-- function_definitions.sql describe, for a fraction of their cost: the transactions that wrote
-- those rows. Also whether the schema is of a newer release, whose definitions are its own.
-- params: migrations (array of the names this release knows)
-- index: system catalogue; yoyo's table has a row per migration
-- locks: none
-- returns: objects, written and newer
WITH room AS (
    SELECT pg_namespace.oid
    FROM pg_namespace
    WHERE pg_namespace.nspname IN ('os_core', 'audit')
),

relation AS (
    SELECT
        pg_class.oid,
        pg_class.xmin
    FROM pg_class
    WHERE pg_class.relnamespace IN (SELECT room.oid FROM room)
)

SELECT
    count(*) AS objects,
    sum(catalogued.xmin::text::bigint) AS written,
    (
        SELECT count(*) FROM _yoyo_migration
        WHERE
            _yoyo_migration.migration_id NOT IN (
                SELECT known.name FROM unnest(%(migrations)s::text[]) AS known (name)
            )
    ) > 0 AS newer
FROM (
    SELECT relation.xmin FROM relation
    UNION ALL
    SELECT pg_attribute.xmin FROM pg_attribute
    WHERE pg_attribute.attrelid IN (SELECT relation.oid FROM relation)
    UNION ALL
    SELECT pg_attrdef.xmin FROM pg_attrdef
    WHERE pg_attrdef.adrelid IN (SELECT relation.oid FROM relation)
    UNION ALL
    SELECT pg_constraint.xmin FROM pg_constraint
    WHERE pg_constraint.conrelid IN (SELECT relation.oid FROM relation)
    UNION ALL
    SELECT pg_index.xmin FROM pg_index
    WHERE pg_index.indrelid IN (SELECT relation.oid FROM relation)
    UNION ALL
    SELECT pg_rewrite.xmin FROM pg_rewrite
    WHERE pg_rewrite.ev_class IN (SELECT relation.oid FROM relation)
    UNION ALL
    SELECT pg_trigger.xmin FROM pg_trigger
    WHERE pg_trigger.tgrelid IN (SELECT relation.oid FROM relation)
    UNION ALL
    SELECT pg_proc.xmin FROM pg_proc
    WHERE
        pg_proc.pronamespace IN (SELECT room.oid FROM room)
        OR pg_proc.oid IN (
            SELECT pg_trigger.tgfoid FROM pg_trigger
            WHERE pg_trigger.tgrelid IN (SELECT relation.oid FROM relation)
        )
        OR pg_proc.oid IN (
            SELECT pg_depend.refobjid
            FROM pg_depend
            INNER JOIN pg_attrdef ON pg_depend.objid = pg_attrdef.oid
            WHERE
                pg_attrdef.adrelid IN (SELECT relation.oid FROM relation)
                AND pg_depend.classid = 'pg_attrdef'::regclass
                AND pg_depend.refclassid = 'pg_proc'::regclass
        )
) AS catalogued;
