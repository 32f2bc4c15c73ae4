-- Describes the tables that the rules of the audio runtime rest on: their columns, constraints,
-- indexes and triggers. What a DBA may tune (fillfactor, comments) is no part of a definition.
-- Run it after definitions_set_up.sql.
-- params: none
-- index: system catalogue
-- locks: ACCESS SHARE on the tables, to print their expressions
-- returns: kind, name and definition, the same from PostgreSQL 14 to 18
WITH relation AS (
    SELECT
        pg_class.oid,
        pg_class.relkind,
        pg_class.relpersistence,
        pg_namespace.nspname,
        pg_namespace.nspname || '.' || pg_class.relname AS name
    FROM pg_namespace
    INNER JOIN pg_class ON pg_namespace.oid = pg_class.relnamespace
    WHERE
        pg_namespace.nspname IN ('os_core', 'audit')
        AND pg_class.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
)

SELECT
    'table' AS kind,
    relation.name,
    row(
        relation.relkind,
        relation.relpersistence,
        -- Whether a policy may hide rows from this role. Those of roles/reader.sql hide none.
        row_security_active(relation.oid)
        AND (
            NOT EXISTS (
                SELECT FROM pg_policy
                WHERE
                    pg_policy.polrelid = relation.oid
                    AND pg_policy.polname = 'telemetry_everyone'
                    AND pg_policy.polpermissive
                    AND pg_policy.polcmd = '*'
                    AND pg_policy.polroles = ARRAY[0::oid]
                    AND pg_get_expr(pg_policy.polqual, pg_policy.polrelid) = 'true'
                    AND pg_get_expr(pg_policy.polwithcheck, pg_policy.polrelid) = 'true'
            )
            OR EXISTS (
                SELECT FROM pg_policy
                CROSS JOIN unnest(pg_policy.polroles) AS restricted (role_id)
                WHERE
                    pg_policy.polrelid = relation.oid
                    AND NOT pg_policy.polpermissive
                    AND (restricted.role_id = 0 OR pg_has_role(restricted.role_id, 'USAGE'))
            )
        ),
        array(
            SELECT pg_rewrite.rulename FROM pg_rewrite
            WHERE pg_rewrite.ev_class = relation.oid
        )
    )::text AS definition
FROM relation
WHERE relation.relkind <> 'c'
UNION ALL
SELECT
    'column' AS kind,
    relation.name || '.' || pg_attribute.attname,
    row(
        format_type(pg_attribute.atttypid, pg_attribute.atttypmod),
        pg_collation.collname,
        pg_attribute.attnotnull,
        pg_attribute.attidentity,
        pg_attribute.attgenerated,
        -- The schema of this function depends on where it was created.
        regexp_replace(
            pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid), '[^ (]+\.take_lane', 'take_lane'
        )
    )::text
FROM relation
INNER JOIN pg_attribute ON relation.oid = pg_attribute.attrelid
LEFT JOIN pg_collation ON pg_attribute.attcollation = pg_collation.oid
LEFT JOIN pg_attrdef
    ON
        pg_attribute.attrelid = pg_attrdef.adrelid
        AND pg_attribute.attnum = pg_attrdef.adnum
WHERE pg_attribute.attnum > 0 AND NOT pg_attribute.attisdropped
UNION ALL
SELECT
    'constraint' AS kind,
    relation.name || '.' || pg_constraint.conname,
    row(
        pg_get_constraintdef(pg_constraint.oid),
        -- A foreign key is kept by triggers of its own.
        (
            SELECT string_agg(DISTINCT pg_trigger.tgenabled::text, '')
            FROM pg_trigger
            WHERE pg_trigger.tgconstraint = pg_constraint.oid
        )
    )::text
FROM relation
INNER JOIN pg_constraint ON relation.oid = pg_constraint.conrelid
-- NOT NULL is a constraint from PostgreSQL 18 on, and described with its column.
WHERE pg_constraint.contype <> 'n'
UNION ALL
SELECT
    'index' AS kind,
    relation.nspname || '.' || pg_class.relname,
    row(
        regexp_replace(pg_get_indexdef(pg_index.indexrelid), ' WITH \([^)]*\)', ''),
        pg_index.indisvalid
    )::text
FROM relation
INNER JOIN pg_index ON relation.oid = pg_index.indrelid
INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
UNION ALL
SELECT
    'trigger' AS kind,
    relation.name || '.' || pg_trigger.tgname,
    row(
        pg_trigger.tgenabled,
        -- The schema of the function depends on where it was created.
        regexp_replace(pg_get_triggerdef(pg_trigger.oid), ' EXECUTE FUNCTION .*', ''),
        pg_proc.proname
    )::text
FROM relation
INNER JOIN pg_trigger ON relation.oid = pg_trigger.tgrelid
INNER JOIN pg_proc ON pg_trigger.tgfoid = pg_proc.oid
WHERE NOT pg_trigger.tgisinternal;
