-- Lists the owners of those of the given tables that the role may not alter, because it is not a
-- member of their owner.
-- params: tables (array of names; other words are ignored)
-- index: system catalogue
-- locks: none
-- returns: owner (quoted), one row per owner
SELECT DISTINCT quote_ident(pg_get_userbyid(pg_class.relowner)) AS owner
FROM unnest(%(tables)s::text[]) AS given (name)
INNER JOIN pg_class ON to_regclass(given.name) = pg_class.oid
WHERE NOT pg_has_role(pg_class.relowner, 'USAGE')
ORDER BY owner;
