-- Lists the schemas that hold the record of migrations and that this role may not look into. For
-- such a role the record does not seem to exist.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: name, one row for each
SELECT pg_namespace.nspname AS name
FROM pg_class
INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
WHERE
    pg_class.relname = '_yoyo_migration'
    AND NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
ORDER BY pg_namespace.nspname;
