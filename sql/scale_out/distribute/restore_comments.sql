-- Writes the comments that keep_comments.sql kept and that are lost, on what still exists.
-- params: none
-- index: system catalogue
-- locks: SHARE UPDATE EXCLUSIVE on the tables
-- returns: nothing
DO $$
DECLARE
    kept record;
    found record;
BEGIN
    FOR kept IN SELECT type, object_names, object_args, description FROM kept_comments LOOP
        BEGIN
            SELECT address.*, identified.identity INTO found
            FROM pg_get_object_address(kept.type, kept.object_names, kept.object_args) AS address
            CROSS JOIN
                LATERAL pg_identify_object(address.classid, address.objid, address.objsubid)
                    AS identified;
        EXCEPTION WHEN undefined_object OR undefined_column OR undefined_table THEN
            CONTINUE;
        END;
        CONTINUE WHEN EXISTS (
            SELECT 1 FROM pg_description AS described
            WHERE
                described.classoid = found.classid
                AND described.objoid = found.objid
                AND described.objsubid = found.objsubid
        );
        EXECUTE format(
            'COMMENT ON %s %s IS %L',
            regexp_replace(kept.type, '^(table|view) (constraint|column)', '\2'),
            found.identity,
            kept.description
        );
    END LOOP;
END
$$;
