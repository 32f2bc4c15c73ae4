-- Makes an empty plain table beside the partitioned one, with its columns, constraints and indexes,
-- and lets every later change of an event reach it too: the statements of one transaction.
-- params: none
-- index: system catalogue
-- locks: SHARE ROW EXCLUSIVE on runtime_events and each partition, until the transaction ends
-- returns: nothing
CREATE TABLE runtime_events_plain (LIKE runtime_events INCLUDING ALL EXCLUDING INDEXES);

ALTER TABLE runtime_events_plain
ADD CONSTRAINT runtime_events_plain_pkey PRIMARY KEY (id);

REVOKE ALL ON runtime_events_plain FROM public;

COMMENT ON TABLE runtime_events_plain IS 'A copy of runtime_events, which partition --undo makes';

DO $$
DECLARE
    parted oid := 'runtime_events'::regclass;
    indexes record;
    names text;
    sent text;
BEGIN
    FOR indexes IN
        SELECT
            pg_class.relname AS name,
            pg_get_indexdef(pg_class.oid) AS definition
        FROM pg_index
        INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
        WHERE pg_index.indrelid = parted AND NOT pg_index.indisunique
    LOOP
        EXECUTE replace(
            replace(
                indexes.definition,
                format('INDEX %I ON', indexes.name),
                format('INDEX %I ON', left(indexes.name, 57) || '_plain')
            ),
            format(' ON ONLY %I.runtime_events ', current_schema()),
            ' ON runtime_events_plain '
        );
    END LOOP;
    SELECT
        string_agg(quote_ident(attname), ', ' ORDER BY attnum),
        string_agg('new.' || quote_ident(attname), ', ' ORDER BY attnum)
    INTO names, sent
    FROM pg_attribute
    WHERE attrelid = parted AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION mirror_runtime_event() RETURNS trigger'
        ' LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $mirror$'
        ' BEGIN'
        ' IF tg_op = ''TRUNCATE'' THEN'
        ' TRUNCATE runtime_events_plain;'
        ' RETURN NULL;'
        ' END IF;'
        ' IF tg_op <> ''INSERT'' THEN'
        ' DELETE FROM runtime_events_plain WHERE id = old.id;'
        ' END IF;'
        ' IF tg_op <> ''DELETE'' THEN'
        ' INSERT INTO runtime_events_plain (%s) VALUES (%s) ON CONFLICT (id) DO NOTHING;'
        ' END IF;'
        ' RETURN NULL;'
        ' END; $mirror$',
        names, sent
    );
    -- FOR SHARE: an event that is being changed is waited for, so that no older version of it
    -- stays in the copy. Such a statement returns the new version, perhaps with another id, so the
    -- walk itself locks nothing.
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION copy_runtime_events(after text, row_limit bigint)'
        ' RETURNS TABLE (walked bigint, last_id text)'
        ' LANGUAGE sql SET search_path FROM CURRENT AS $copy$'
        ' WITH walked AS MATERIALIZED ('
        ' SELECT id FROM runtime_events WHERE id > copy_runtime_events.after'
        ' ORDER BY id LIMIT copy_runtime_events.row_limit'
        '), locked AS MATERIALIZED ('
        ' SELECT %1$s FROM runtime_events WHERE id > copy_runtime_events.after'
        ' AND id <= (SELECT max(id) FROM walked) FOR SHARE'
        '), copied AS ('
        ' INSERT INTO runtime_events_plain (%1$s) SELECT %1$s FROM locked'
        ' ON CONFLICT (id) DO NOTHING'
        ') SELECT count(*), max(id) FROM walked $copy$',
        names
    );
END;
$$;

-- Any role could let the first one run on a table of its own.
REVOKE ALL ON FUNCTION mirror_runtime_event() FROM public;
REVOKE ALL ON FUNCTION copy_runtime_events(text, bigint) FROM public;

CREATE TRIGGER mirror_runtime_event
AFTER INSERT OR UPDATE OR DELETE ON runtime_events
FOR EACH ROW EXECUTE FUNCTION mirror_runtime_event();

CREATE TRIGGER mirror_truncate
AFTER TRUNCATE ON runtime_events
FOR EACH STATEMENT EXECUTE FUNCTION mirror_runtime_event();
