-- Lists the schemas that hold migrations of a yoyo runner and that the role may not look into, so
-- that their tables seem to be missing.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: schema and role (quoted), one row per schema
SELECT
    quote_ident(pg_namespace.nspname) AS schema,
    quote_ident(current_user) AS role
FROM pg_class
INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
WHERE
    pg_class.relname = '_yoyo_migration'
    AND NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
ORDER BY schema;
