-- Writes the comments that keep_comments.sql kept and that are lost.
-- params: none
-- index: system catalogue
-- locks: SHARE UPDATE EXCLUSIVE on the tables
-- returns: nothing
DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN
        SELECT
            kept_comments.type,
            kept_comments.description,
            identified.identity
        FROM kept_comments
        CROSS JOIN
            LATERAL pg_get_object_address(
                kept_comments.type, kept_comments.object_names, kept_comments.object_args
            ) AS found
        CROSS JOIN
            LATERAL pg_identify_object(found.classid, found.objid, found.objsubid) AS identified
        LEFT JOIN pg_description AS described
            ON
                found.classid = described.classoid
                AND found.objid = described.objoid
                AND found.objsubid = described.objsubid
        WHERE described.description IS NULL
    LOOP
        EXECUTE format(
            'COMMENT ON %s %s IS %L',
            replace(kept.type, 'table constraint', 'constraint'),
            kept.identity,
            kept.description
        );
    END LOOP;
END
$$;
