-- Keeps the rights on tables, views, columns, sequences and functions until the end of this
-- transaction: what is made again in it, as undistribute_table makes views, has lost them.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: nothing
CREATE TEMPORARY TABLE kept_rights ON COMMIT DROP AS
WITH held AS (
    SELECT
        pg_class.oid,
        FALSE AS is_function,
        pg_class.oid::regclass::text AS name,
        CASE pg_class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
        '' AS columns,
        pg_class.relowner AS owner,
        pg_class.relacl AS rights
    FROM pg_class
    WHERE pg_class.relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
    UNION ALL
    SELECT
        pg_class.oid,
        FALSE AS is_function,
        pg_class.oid::regclass::text AS name,
        'TABLE' AS kind,
        format(' (%I)', pg_attribute.attname) AS columns,
        pg_class.relowner AS owner,
        pg_attribute.attacl AS rights
    FROM pg_attribute
    INNER JOIN pg_class ON pg_attribute.attrelid = pg_class.oid
    WHERE
        NOT pg_attribute.attisdropped
        AND pg_class.relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
    UNION ALL
    SELECT
        pg_proc.oid,
        TRUE AS is_function,
        pg_proc.oid::regprocedure::text AS name,
        'FUNCTION' AS kind,
        '' AS columns,
        pg_proc.proowner AS owner,
        pg_proc.proacl AS rights
    FROM pg_proc
    WHERE pg_proc.pronamespace::regnamespace::text !~ '^pg_|^information_schema$'
)

-- A function that is made again may be run by every role.
SELECT
    held.oid,
    held.is_function,
    held.name,
    1 AS turn,
    format('REVOKE ALL ON FUNCTION %s FROM public', held.name) AS change
FROM held
WHERE held.is_function AND held.rights IS NOT NULL
UNION ALL
SELECT
    held.oid,
    held.is_function,
    held.name,
    2 AS turn,
    format(
        'GRANT %s%s ON %s %s TO %s%s',
        acl.privilege_type,
        held.columns,
        held.kind,
        held.name,
        CASE acl.grantee WHEN 0 THEN 'public' ELSE acl.grantee::regrole::text END,
        CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' END
    ) AS change
FROM held
CROSS JOIN LATERAL aclexplode(held.rights) AS acl
WHERE acl.grantee <> held.owner;
