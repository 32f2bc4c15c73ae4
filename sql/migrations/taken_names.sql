-- Lists those of the given names that the database already uses for an object of any kind which a
-- migration's object would collide with. A name without a schema is looked up where new tables go.
-- params: schemas, relations, functions (arrays of names)
-- index: system catalogue
-- locks: none
-- returns: kind (schema, table, view, index, sequence, function, …) and name, one row per object
WITH wanted AS (
    SELECT
        given.kind,
        given.name,
        to_regnamespace(
            CASE
                WHEN given.name LIKE '%%.%%' THEN split_part(given.name, '.', 1)
                ELSE quote_ident(current_schema())
            END
        ) AS schema,
        CASE
            WHEN given.name LIKE '%%.%%' THEN split_part(given.name, '.', 2)
            ELSE given.name
        END AS short
    FROM (
        SELECT
            'relation' AS kind,
            unnest(%(relations)s::text[]) AS name
        UNION ALL
        SELECT
            'function' AS kind,
            unnest(%(functions)s::text[]) AS name
    ) AS given
)

SELECT
    'schema' AS kind,
    nspname::text AS name
FROM pg_namespace
WHERE nspname = any(%(schemas)s::text[])
UNION
SELECT
    CASE pg_class.relkind
        WHEN 'v' THEN 'view'
        WHEN 'm' THEN 'materialized view'
        WHEN 'i' THEN 'index'
        WHEN 'I' THEN 'index'
        WHEN 'S' THEN 'sequence'
        WHEN 'f' THEN 'foreign table'
        WHEN 'c' THEN 'type'
        ELSE 'table'
    END AS kind,
    wanted.name
FROM wanted
INNER JOIN pg_class ON wanted.schema = pg_class.relnamespace AND wanted.short = pg_class.relname
WHERE wanted.kind = 'relation'
UNION
SELECT
    wanted.kind,
    wanted.name
FROM wanted
INNER JOIN pg_proc ON wanted.schema = pg_proc.pronamespace AND wanted.short = pg_proc.proname
WHERE wanted.kind = 'function'
ORDER BY kind ASC, name ASC;
