-- Lists the rows of an older service's table, for import-events. The page ends before row_limit
-- when its rows are large, so an empty page marks the end.
-- params: name (of the table), after (id; NULL: from the beginning), row_limit, byte_limit
-- index: the primary key of that table
-- locks: none
-- returns: id and event (the row as JSON text), in the order of id
SELECT
    id,
    event
FROM older_runtime_events(
    to_regclass(%(name)s), %(after)s, %(row_limit)s::integer, %(byte_limit)s::integer
);
