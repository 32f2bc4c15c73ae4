-- Renames the runtime_events of an older service, and its indexes, sequences and constraints, so
-- that their names are free for the new table. Nothing else of it changes. Runs in the transaction
-- of the migration that creates the new table.
-- params: none
-- index: system catalogue
-- locks: the old table, ACCESS EXCLUSIVE, until the end of the transaction
-- returns: nothing
DO $$
DECLARE
    part record;
BEGIN
    SET LOCAL lock_timeout = '5s';
    ALTER TABLE runtime_events RENAME TO runtime_events_before_migration;
    FOR part IN
        -- The constraint of a key or a unique index is renamed with its index.
        SELECT oid, conname::text AS name,
            'ALTER TABLE runtime_events_before_migration RENAME CONSTRAINT ' || quote_ident(conname)
            || ' TO ' AS renaming
        FROM pg_constraint
        WHERE
            conrelid = 'runtime_events_before_migration'::regclass
            AND contype NOT IN ('p', 'u', 'x', 't')
        UNION ALL
        SELECT pg_class.oid, pg_class.relname::text AS name,
            'ALTER INDEX ' || pg_class.oid::regclass || ' RENAME TO ' AS renaming
        FROM pg_index
        INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
        WHERE pg_index.indrelid = 'runtime_events_before_migration'::regclass
        UNION ALL
        SELECT pg_class.oid, pg_class.relname::text AS name,
            'ALTER SEQUENCE ' || pg_class.oid::regclass || ' RENAME TO ' AS renaming
        FROM pg_depend
        INNER JOIN pg_class ON pg_depend.objid = pg_class.oid AND pg_class.relkind = 'S'
        WHERE
            pg_depend.classid = 'pg_class'::regclass
            AND pg_depend.refobjid = 'runtime_events_before_migration'::regclass
    LOOP
        EXECUTE part.renaming || quote_ident(
            -- A name has at most 63 bytes.
            CASE
                WHEN octet_length(part.name) <= 46 THEN part.name || '_before_migration'
                ELSE 'before_migration_' || part.oid
            END
        );
    END LOOP;
END;
$$;
