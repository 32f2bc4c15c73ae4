-- Lists the partitions of runtime_events, the oldest first.
-- params: none
-- index: system catalogue
-- locks: ACCESS SHARE on the partitions, to print their bounds
-- returns: name, recorded_from, recorded_until (both NULL: the default partition), is_default and
-- rows (an estimate); no row: the table is not partitioned
SELECT
    child.relname AS name,
    CASE
        WHEN bound.text LIKE 'FOR VALUES FROM (MINVALUE)%%' THEN '-infinity'
        ELSE substring(bound.text FROM 'FROM \(''([^'']+)''\)')::timestamptz
    END AS recorded_from,
    substring(bound.text FROM 'TO \(''([^'']+)''\)')::timestamptz AS recorded_until,
    bound.text = 'DEFAULT' AS is_default,
    greatest(child.reltuples, 0)::bigint AS rows
FROM pg_class AS parent
INNER JOIN pg_inherits ON parent.oid = pg_inherits.inhparent
INNER JOIN pg_class AS child ON pg_inherits.inhrelid = child.oid
CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS text) AS bound
WHERE parent.oid = to_regclass('runtime_events') AND parent.relkind = 'p'
ORDER BY recorded_until ASC NULLS LAST;
