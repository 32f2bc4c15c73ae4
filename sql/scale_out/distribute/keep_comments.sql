-- Keeps the comments on tables, views, columns, constraints, indexes and triggers until the end of
-- this transaction: undistribute_table makes new tables, and the views on them, and loses them.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: nothing
CREATE TEMPORARY TABLE kept_comments ON COMMIT DROP AS
SELECT
    replace(kept.type, 'view column', 'table column') AS type,
    kept.object_names,
    kept.object_args,
    described.description
FROM pg_description AS described
CROSS JOIN
    LATERAL pg_identify_object_as_address(described.classoid, described.objoid, described.objsubid)
        AS kept
WHERE
    described.classoid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass)
    AND kept.object_names[1] !~ '^pg_|^information_schema$';
