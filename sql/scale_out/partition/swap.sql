-- Makes the table the first partition of a new one with the same name, columns, constraints,
-- indexes, comments and rights, in a moment: after add_check.sql and validate_check.sql no row
-- needs to be read. In the transaction of functions.sql.
-- params: none
-- index: system catalogue; runtime_events_id_recorded_at becomes the primary key of the partition
-- locks: ACCESS EXCLUSIVE on runtime_events and its views, until the transaction ends
-- returns: nothing; an error when add_check.sql has not run
DO $$
DECLARE
    plain oid := 'runtime_events'::regclass;
    boundary timestamptz := substring(
        (
            SELECT pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = plain AND conname = 'runtime_events_boundary' AND convalidated
        ) FROM '''([^'']+)'''
    )::timestamptz;
    suffix text := to_char(boundary, '"_until_"YYYYMMDD');
    first text := 'runtime_events' || suffix;
    views text[];
    grants text[];
    grantees text[];
    indexes record;
    change text;
BEGIN
    IF boundary IS NULL THEN
        RAISE EXCEPTION 'the constraint runtime_events_boundary is missing';
    END IF;
    LOCK TABLE runtime_events IN ACCESS EXCLUSIVE MODE;
    -- A view refers to its tables by number, so it would go on with the first partition alone.
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
                    AND pg_depend.refobjid = plain
            )
    );
    SELECT
        coalesce(
            array_agg(
                format(
                    'GRANT %s%s ON runtime_events TO %s%s',
                    held.privilege_type,
                    '(' || quote_ident(held.column_name) || ')',
                    held.grantee,
                    CASE WHEN held.is_grantable THEN ' WITH GRANT OPTION' END
                )
            ),
            '{}'
        ),
        coalesce(array_agg(DISTINCT held.grantee), '{}')
    INTO grants, grantees
    FROM (
        SELECT
            acl.privilege_type,
            acl.is_grantable,
            kept.column_name,
            CASE acl.grantee WHEN 0 THEN 'public' ELSE acl.grantee::regrole::text END AS grantee
        FROM (
            SELECT
                relacl AS rights,
                NULL::name AS column_name
            FROM pg_class
            WHERE oid = plain
            UNION ALL
            SELECT
                attacl AS rights,
                attname AS column_name
            FROM pg_attribute
            WHERE attrelid = plain AND NOT attisdropped
        ) AS kept
        CROSS JOIN LATERAL aclexplode(kept.rights) AS acl
        WHERE acl.grantee <> (SELECT relowner FROM pg_class WHERE oid = plain)
    ) AS held;
    DROP TRIGGER keep_runtime_event_id ON runtime_events;
    DROP TRIGGER number_runtime_event ON runtime_events;
    EXECUTE format('ALTER TABLE runtime_events RENAME TO %I', first);
    EXECUTE format(
        'CREATE TABLE runtime_events (LIKE %I INCLUDING ALL EXCLUDING INDEXES)'
        ' PARTITION BY RANGE (recorded_at)', first
    );
    ALTER TABLE runtime_events DROP CONSTRAINT runtime_events_boundary;
    ALTER SEQUENCE runtime_events_number_seq OWNED BY runtime_events.number;
    -- The indexes of the partition get other names, and the table new ones that they belong to.
    FOR indexes IN
        SELECT
            pg_class.relname AS name,
            replace(
                pg_get_indexdef(pg_class.oid),
                format(' ON %I.%I ', current_schema(), first),
                ' ON runtime_events '
            ) AS definition,
            obj_description(pg_class.oid) AS description
        FROM pg_index
        INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
        WHERE pg_index.indrelid = plain AND pg_index.indisvalid AND NOT pg_index.indisunique
    LOOP
        EXECUTE format(
            'ALTER INDEX %I RENAME TO %I', indexes.name, left(indexes.name, 48) || suffix
        );
        EXECUTE indexes.definition;
        EXECUTE format('COMMENT ON INDEX %I IS %L', indexes.name, indexes.description);
    END LOOP;
    change := obj_description('runtime_events_pkey'::regclass);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT runtime_events_pkey', first);
    EXECUTE format(
        'ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY USING INDEX runtime_events_id_recorded_at',
        first, 'runtime_events_pkey' || suffix
    );
    ALTER TABLE runtime_events ADD CONSTRAINT runtime_events_pkey PRIMARY KEY (id, recorded_at);
    EXECUTE format('COMMENT ON INDEX runtime_events_pkey IS %L', change);
    EXECUTE format(
        'ALTER TABLE runtime_events ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
        first, boundary
    );
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT runtime_events_boundary', first);
    CREATE TABLE runtime_events_default PARTITION OF runtime_events DEFAULT;
    REVOKE ALL ON runtime_events_default FROM public;
    COMMENT ON TABLE runtime_events_default IS
    'Events of days without a partition, such as imported ones';
    EXECUTE format(
        'COMMENT ON TABLE runtime_events IS %L', obj_description(plain, 'pg_class')
    );
    EXECUTE format(
        'COMMENT ON TABLE %I IS %L', first, 'The events from before the table was partitioned'
    );
    -- Those who hold rights on the table hold them on the new one, and need none on its parts.
    FOREACH change IN ARRAY grants LOOP
        EXECUTE change;
    END LOOP;
    FOREACH change IN ARRAY grantees LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %s', first, change);
    END LOOP;
    CREATE TRIGGER number_runtime_event BEFORE INSERT ON runtime_events
    FOR EACH ROW EXECUTE FUNCTION number_runtime_event();
    CREATE TRIGGER record_runtime_event_id
    BEFORE INSERT OR UPDATE OF id, recorded_at ON runtime_events
    FOR EACH ROW EXECUTE FUNCTION record_runtime_event_id();
    DROP FUNCTION keep_runtime_event_id();
    FOREACH change IN ARRAY views LOOP
        EXECUTE change;
    END LOOP;
END;
$$;
