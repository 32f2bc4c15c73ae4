-- Lists what others have built on runtime_events and `partition` can't carry over, beside what
-- sql/scale_out/distribute/obstacles.sql lists: it would be lost, or the change would fail. Views
-- are carried over when the owner of the table, as whom the command changes it, can replace them.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: obstacle, one row for each
WITH events AS (
    SELECT
        pg_class.oid,
        pg_class.reltype,
        pg_class.relkind,
        pg_class.relowner
    FROM pg_class
    WHERE pg_class.oid = to_regclass('runtime_events')
),

-- What depends on the table or on its row type.
dependent AS (
    SELECT
        pg_depend.classid,
        pg_depend.objid
    FROM pg_depend
    CROSS JOIN events
    WHERE
        pg_depend.deptype = 'n'
        AND (
            (pg_depend.refclassid = 'pg_class'::regclass AND pg_depend.refobjid = events.oid)
            OR (
                pg_depend.refclassid = 'pg_type'::regclass
                AND pg_depend.refobjid IN (
                    SELECT pg_type.oid FROM pg_type
                    WHERE pg_type.oid = events.reltype OR pg_type.typelem = events.reltype
                )
            )
        )
)

SELECT 'constraint ' || pg_constraint.conname AS obstacle
FROM pg_constraint
CROSS JOIN events
WHERE
    (
        pg_constraint.conrelid = events.oid
        AND (
            pg_constraint.contype IN ('f', 'x')
            OR (
                pg_constraint.contype IN ('u', 'p')
                AND pg_constraint.conname <> 'runtime_events_pkey'
            )
            OR (
                pg_constraint.contype = 'c'
                AND (NOT pg_constraint.convalidated OR pg_constraint.connoinherit)
                AND pg_constraint.conname <> 'runtime_events_boundary'
            )
        )
    )
    OR (
        pg_constraint.contype = 'f'
        AND pg_constraint.confrelid = events.oid
        AND pg_constraint.conrelid <> events.oid
    )
UNION ALL
SELECT 'unique index ' || pg_index.indexrelid::regclass::text
FROM pg_index
INNER JOIN events ON pg_index.indrelid = events.oid
WHERE
    pg_index.indisunique
    AND pg_index.indexrelid NOT IN (
        SELECT pg_class.oid FROM pg_class
        WHERE pg_class.relname IN ('runtime_events_pkey', 'runtime_events_id_recorded_at')
    )
UNION ALL
SELECT 'publication ' || pg_publication.pubname
FROM pg_publication_rel
INNER JOIN pg_publication ON pg_publication_rel.prpubid = pg_publication.oid
INNER JOIN events ON pg_publication_rel.prrelid = events.oid
UNION ALL
SELECT 'inheritance of ' || pg_inherits.inhrelid::regclass::text
FROM pg_inherits
CROSS JOIN events
WHERE
    (pg_inherits.inhparent = events.oid AND events.relkind = 'r')
    OR pg_inherits.inhrelid = events.oid
UNION ALL
SELECT DISTINCT 'view ' || pg_class.oid::regclass::text
FROM dependent
INNER JOIN pg_rewrite
    ON
        dependent.objid = pg_rewrite.oid
        AND dependent.classid = 'pg_rewrite'::regclass
INNER JOIN pg_class ON pg_rewrite.ev_class = pg_class.oid
CROSS JOIN events
WHERE
    pg_class.relkind = 'm'
    OR NOT pg_has_role(events.relowner, pg_class.relowner, 'USAGE')
    OR NOT has_schema_privilege(events.relowner, pg_class.relnamespace, 'CREATE')
UNION ALL
SELECT DISTINCT 'function ' || dependent.objid::regprocedure::text
FROM dependent
WHERE dependent.classid = 'pg_proc'::regclass
ORDER BY obstacle;
