-- Puts the plain table in the place of the partitioned one, whose partitions, keys and functions it
-- drops: the statements of one transaction.
-- params: none
-- index: system catalogue
-- locks: ACCESS EXCLUSIVE on runtime_events, each partition, the copy, the table of keys and the
-- views, until the transaction ends
-- returns: nothing
DO $$
DECLARE
    parted oid := 'runtime_events'::regclass;
    plain oid := 'runtime_events_plain'::regclass;
    views text[];
    grants text[];
    comments text[];
    renames text[];
    change text;
BEGIN
    LOCK TABLE runtime_events IN ACCESS EXCLUSIVE MODE;
    -- A view refers to its tables by number.
    views := array(
        SELECT
            format(
                'CREATE OR REPLACE VIEW %s %s AS %s',
                viewed.oid::regclass,
                'WITH (' || array_to_string(viewed.reloptions, ', ') || ')',
                pg_get_viewdef(viewed.oid)
            )
        FROM pg_class AS viewed
        WHERE
            viewed.relkind = 'v'
            AND viewed.oid IN (
                SELECT pg_rewrite.ev_class FROM pg_depend
                INNER JOIN pg_rewrite ON pg_depend.objid = pg_rewrite.oid
                WHERE
                    pg_depend.classid = 'pg_rewrite'::regclass
                    AND pg_depend.refclassid = 'pg_class'::regclass
                    AND pg_depend.refobjid = parted
            )
    );
    grants := array(
        SELECT
            format(
                'GRANT %s%s ON runtime_events TO %s%s',
                acl.privilege_type,
                '(' || quote_ident(kept.column_name) || ')',
                CASE acl.grantee WHEN 0 THEN 'public' ELSE acl.grantee::regrole::text END,
                CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' END
            )
        FROM (
            SELECT
                relacl AS rights,
                NULL::name AS column_name
            FROM pg_class
            WHERE oid = parted
            UNION ALL
            SELECT
                attacl AS rights,
                attname AS column_name
            FROM pg_attribute
            WHERE attrelid = parted AND NOT attisdropped
        ) AS kept
        CROSS JOIN LATERAL aclexplode(kept.rights) AS acl
        WHERE acl.grantee <> (SELECT relowner FROM pg_class WHERE oid = parted)
    );
    comments := array(
        SELECT format('COMMENT ON TABLE runtime_events IS %L', obj_description(parted, 'pg_class'))
        UNION ALL
        SELECT
            format('COMMENT ON INDEX %I IS %L', pg_class.relname, obj_description(pg_class.oid))
        FROM pg_index
        INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
        WHERE pg_index.indrelid = parted
    );
    -- Those of the table that goes have the names that these get.
    renames := array(
        SELECT
            format(
                'ALTER INDEX %I RENAME TO %I', left(pg_class.relname, 57) || '_plain',
                pg_class.relname
            )
        FROM pg_index
        INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
        WHERE pg_index.indrelid = parted AND NOT pg_index.indisunique
    );
    DROP TRIGGER mirror_runtime_event ON runtime_events;
    ALTER TABLE runtime_events RENAME TO runtime_events_parts;
    ALTER TABLE runtime_events_plain RENAME TO runtime_events;
    ALTER SEQUENCE runtime_events_number_seq OWNED BY runtime_events.number;
    FOREACH change IN ARRAY views LOOP
        EXECUTE change;
    END LOOP;
    DROP TABLE runtime_events_parts;
    FOREACH change IN ARRAY renames LOOP
        EXECUTE change;
    END LOOP;
    ALTER INDEX runtime_events_plain_pkey RENAME TO runtime_events_pkey;
    FOREACH change IN ARRAY comments LOOP
        EXECUTE change;
    END LOOP;
    FOREACH change IN ARRAY grants LOOP
        EXECUTE change;
    END LOOP;
    CREATE TRIGGER number_runtime_event BEFORE INSERT ON runtime_events
    FOR EACH ROW EXECUTE FUNCTION number_runtime_event();
END;
$$;

DROP FUNCTION copy_runtime_events(text, bigint);

DROP FUNCTION mirror_runtime_event();

DROP FUNCTION record_runtime_event_id();

DROP FUNCTION add_runtime_events_partition(integer);

DROP FUNCTION drop_runtime_events_partition(timestamptz);

DROP FUNCTION forget_runtime_event_ids(timestamptz, bigint, bigint);

DROP FUNCTION runtime_events_partitions();

DROP TABLE runtime_event_ids;
