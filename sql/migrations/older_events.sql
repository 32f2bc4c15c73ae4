-- Describes a table, to tell whether it is the runtime_events of an older service.
-- params: name
-- index: system catalogue
-- locks: none
-- returns: one row: kind (pg_class.relkind), columns (a JSON object: the type of each column),
-- primary_key (array of columns) and parts (array: names of its indexes and sequences); no row: the
-- table does not exist
SELECT
    pg_class.relkind::text AS kind,
    json_object_agg(
        pg_attribute.attname,
        format_type(pg_attribute.atttypid, NULL)
        ORDER BY pg_attribute.attnum
    ) AS columns,
    array(
        SELECT key.attname::text
        FROM pg_index
        INNER JOIN pg_attribute AS key
            ON pg_index.indrelid = key.attrelid AND key.attnum = any(pg_index.indkey)
        WHERE pg_index.indrelid = pg_class.oid AND pg_index.indisprimary
    ) AS primary_key,
    array(
        SELECT part.relname::text
        FROM pg_depend
        INNER JOIN pg_class AS part ON pg_depend.objid = part.oid AND part.relkind IN ('i', 'S')
        WHERE pg_depend.refobjid = pg_class.oid AND pg_depend.classid = 'pg_class'::regclass
        UNION
        SELECT part.relname::text
        FROM pg_index
        INNER JOIN pg_class AS part ON pg_index.indexrelid = part.oid
        WHERE pg_index.indrelid = pg_class.oid
    ) AS parts
FROM pg_class
INNER JOIN pg_attribute ON pg_class.oid = pg_attribute.attrelid
WHERE
    pg_class.oid = to_regclass(%(name)s)
    AND pg_attribute.attnum > 0
    AND NOT pg_attribute.attisdropped
GROUP BY pg_class.oid;
