-- Lists those of the given tables that hold rows.
-- params: tables (array of names)
-- index: none; it reads one row of each table
-- locks: each table, ACCESS EXCLUSIVE, until the end of the transaction
-- returns: name, one row per table that is not empty
SELECT listed.name
FROM unnest(%(tables)s::text[]) AS listed (name)
WHERE holds_rows(listed.name::regclass)
ORDER BY listed.name;
