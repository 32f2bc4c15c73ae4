-- Tells which of some tables hold rows.
-- params: tables (array of names)
-- index: none; one row of each is enough
-- locks: each table, ACCESS EXCLUSIVE, until the end of the transaction
-- returns: name, one row for each table that is not empty
SELECT listed.name
FROM unnest(%(tables)s::text[]) AS listed (name)
WHERE holds_rows(listed.name::regclass)
ORDER BY listed.name;
