-- The functions of a partitioned runtime_events: the statements of a part of one transaction.
-- They run as the owner of the table, so that the roles of the service need no right on its parts.
-- params: none
-- index: none
-- locks: none; each function says what it locks
-- returns: nothing

-- How one event is stored once, whichever partitions two writers write to:
-- 1. An event is stored by the transaction that inserts its id into runtime_event_ids, or that
--    takes the id over. A second writer of the id waits for the first one, in the INSERT.
-- 2. After that, the id is known. When its event is stored, the row is skipped, as ON CONFLICT
--    DO NOTHING skips it in the plain table.
-- 3. When its event is gone, with its partition or by a DELETE, the writer locks the id, and looks
--    again. That is a statement of its own, so it sees what the last owner of the lock stored.
--    Of two writers, the second one finds the event of the first.
-- Nobody can drop the partition meanwhile: the INSERT has locked the table.
CREATE OR REPLACE FUNCTION record_runtime_event_id() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
-- Finds the partition when the statement starts, instead of planning each time.
SET plan_cache_mode = force_generic_plan
AS $$
<<body>>
DECLARE
    known timestamptz;
BEGIN
    IF tg_op = 'UPDATE' THEN
        UPDATE runtime_event_ids AS taken SET id = new.id, recorded_at = new.recorded_at
        WHERE taken.id = old.id;
        RETURN new;
    END IF;
    LOOP
        INSERT INTO runtime_event_ids (id, recorded_at) VALUES (new.id, new.recorded_at)
        ON CONFLICT DO NOTHING;
        IF found THEN
            RETURN new;
        END IF;
        SELECT taken.recorded_at INTO known FROM runtime_event_ids AS taken
        WHERE taken.id = new.id;
        CONTINUE WHEN NOT found;
        PERFORM FROM runtime_events AS event
        WHERE event.id = new.id AND event.recorded_at = body.known;
        IF found THEN
            RETURN NULL;
        END IF;
        SELECT taken.recorded_at INTO known FROM runtime_event_ids AS taken
        WHERE taken.id = new.id
        FOR UPDATE;
        -- Retention has deleted the id.
        CONTINUE WHEN NOT found;
        PERFORM FROM runtime_events AS event
        WHERE event.id = new.id AND event.recorded_at = body.known;
        IF found THEN
            RETURN NULL;
        END IF;
        UPDATE runtime_event_ids AS taken SET recorded_at = new.recorded_at
        WHERE taken.id = new.id;
        RETURN new;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION record_runtime_event_id() IS
'Trigger of the partitioned runtime_events: skips an event whose id is stored, in any partition';

-- Adds the first day without a partition, of today and the days ahead, by the calendar of UTC. A
-- day of which the default partition has events stays without one: they would have to be moved.
-- ATTACH lets writers write. It waits for the readers of the default partition, and they for it.
CREATE OR REPLACE FUNCTION add_runtime_events_partition(days_ahead integer) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
<<body>>
DECLARE
    today timestamptz := date_trunc('day', now());
    wanted timestamptz;
    added text;
BEGIN
    -- Where the table is distributed, one connection to a worker has to read and change it, and the
    -- limit has to hold for locks there.
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', TRUE);
    PERFORM set_config('citus.propagate_set_commands', 'local', TRUE);
    EXECUTE format('SET LOCAL lock_timeout = %L', current_setting('lock_timeout'));
    PERFORM pg_advisory_xact_lock(7310, 2);
    FOR wanted IN
        SELECT * FROM generate_series(
            today,
            today + least(greatest(add_runtime_events_partition.days_ahead, 0), 60)
            * interval '1 day',
            interval '1 day'
        )
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT 1 FROM runtime_events_partitions() AS part
            WHERE
                part.recorded_from < body.wanted + interval '1 day'
                AND part.recorded_until > body.wanted
        );
        CONTINUE WHEN EXISTS (
            SELECT 1 FROM runtime_events_default AS event
            WHERE
                event.recorded_at >= body.wanted
                AND event.recorded_at < body.wanted + interval '1 day'
        );
        added := to_char(wanted, '"runtime_events_p"YYYYMMDD');
        EXECUTE format('CREATE TABLE %I (LIKE runtime_events INCLUDING ALL EXCLUDING INDEXES)', added);
        EXECUTE format('REVOKE ALL ON %I FROM public', added);
        EXECUTE format(
            'ALTER TABLE runtime_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            added, wanted, wanted + interval '1 day'
        );
        EXECUTE format('COMMENT ON TABLE %I IS %L', added, 'The events of one day, in UTC');
        RETURN added;
    END LOOP;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION add_runtime_events_partition(integer) IS
'Adds the first missing partition of today and the days ahead; NULL: none is missing';

-- Drops the oldest partition whose events were all recorded before a moment, and leaves their
-- highest numbers in runtime_events_pruned. It is read twice: all of it while writers write, and
-- then, with the table locked, what they have stored meanwhile, which has higher numbers in its
-- lane. The caller limits the wait for that lock with lock_timeout, because requests queue behind.
CREATE OR REPLACE FUNCTION drop_runtime_events_partition(before timestamptz)
RETURNS TABLE (name text, events bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
SET timezone = 'UTC'
SET datestyle = 'ISO'
-- Otherwise the second time may read all of it too.
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
<<body>>
DECLARE
    oldest regclass;
    -- Of each lane, that of lane 0 first.
    highest bigint[] := array_fill(0, ARRAY[64]);
    counted record;
BEGIN
    -- Where the table is distributed, one connection to a worker has to read and change it, and the
    -- limit has to hold for locks there.
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', TRUE);
    PERFORM set_config('citus.propagate_set_commands', 'local', TRUE);
    EXECUTE format('SET LOCAL lock_timeout = %L', current_setting('lock_timeout'));
    PERFORM pg_advisory_xact_lock(7310, 2);
    SELECT part.partition INTO oldest FROM runtime_events_partitions() AS part
    WHERE part.recorded_until <= drop_runtime_events_partition.before
    ORDER BY part.recorded_until
    LIMIT 1;
    IF oldest IS NULL THEN
        RETURN;
    END IF;
    name := (SELECT relname FROM pg_class WHERE oid = oldest);
    events := 0;
    FOR counted IN EXECUTE format(
        'SELECT lane, count(*) AS rows, max(number) AS number FROM %s GROUP BY lane', oldest
    ) LOOP
        events := events + counted.rows;
        highest[counted.lane + 1] := counted.number;
    END LOOP;
    LOCK TABLE ONLY runtime_events IN ACCESS EXCLUSIVE MODE;
    -- An --undo locks the table too when it begins: only now can its copy be seen for sure.
    IF to_regclass('runtime_events_plain') IS NOT NULL THEN
        RAISE EXCEPTION 'runtime_events is being made one plain table: run python -m telemetry '
            'partition --undo again, or without --undo to keep the partitions'
        USING ERRCODE = 'object_in_use';
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', oldest);
    FOR counted IN EXECUTE format(
        'SELECT late.lane, count(*) AS rows, max(late.number) AS number'
        ' FROM unnest($1) WITH ORDINALITY AS seen (number, ordinal)'
        ' INNER JOIN %s AS late ON late.lane = seen.ordinal - 1 AND late.number > seen.number'
        ' GROUP BY late.lane', oldest
    ) USING highest LOOP
        events := events + counted.rows;
        highest[counted.lane + 1] := counted.number;
    END LOOP;
    INSERT INTO runtime_events_pruned AS pruned (lane, number)
    SELECT
        newest.ordinal - 1,
        newest.number
    FROM unnest(highest) WITH ORDINALITY AS newest (number, ordinal)
    WHERE newest.number > 0
    ORDER BY newest.ordinal
    ON CONFLICT (lane) DO UPDATE SET number = excluded.number
    WHERE pruned.number < excluded.number;
    EXECUTE format('DROP TABLE %s', oldest);
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION drop_runtime_events_partition(timestamptz) IS
'Drops the oldest partition that ends at or before a moment; no row: there is no such partition';

-- Deletes the ids of a part of the table of keys whose events were recorded before a moment and are
-- gone. A writer may take one of them over meanwhile, which writes a new version of its row: then
-- xmin is another one, and the id stays. A writer that comes later waits, and inserts the id.
CREATE OR REPLACE FUNCTION forget_runtime_event_ids(
    before timestamptz, first_block bigint, block_count bigint
)
RETURNS TABLE (next_block bigint, forgotten bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
<<body>>
DECLARE
    blocks bigint := pg_relation_size('runtime_event_ids')
        / current_setting('block_size')::bigint;
BEGIN
    WITH gone AS MATERIALIZED (
        SELECT
            known.ctid AS place,
            known.xmin AS version
        FROM runtime_event_ids AS known
        WHERE
            known.ctid >= format('(%s,0)', forget_runtime_event_ids.first_block)::tid
            AND known.ctid < format(
                '(%s,0)',
                forget_runtime_event_ids.first_block + forget_runtime_event_ids.block_count
            )::tid
            AND known.recorded_at < forget_runtime_event_ids.before
            AND NOT EXISTS (
                SELECT FROM runtime_events AS event
                WHERE
                    event.id = known.id COLLATE "default"
                    AND event.recorded_at = known.recorded_at
                    AND event.recorded_at < forget_runtime_event_ids.before
            )
    )

    DELETE FROM runtime_event_ids AS known
    USING gone
    WHERE known.ctid = gone.place AND known.xmin = gone.version;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    next_block := forget_runtime_event_ids.first_block + forget_runtime_event_ids.block_count;
    IF next_block >= blocks THEN
        next_block := NULL;
    END IF;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION forget_runtime_event_ids(timestamptz, bigint, bigint) IS
'Deletes ids of events that retention has deleted; next_block is NULL at the end of the table';

CREATE OR REPLACE FUNCTION runtime_events_partitions()
RETURNS TABLE (
    partition regclass, recorded_from timestamptz, recorded_until timestamptz, is_default boolean
)
LANGUAGE sql
STABLE
SET search_path FROM CURRENT
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
SELECT
    child.oid::regclass,
    CASE
        WHEN bound.text LIKE 'FOR VALUES FROM (MINVALUE)%' THEN '-infinity'
        ELSE substring(bound.text FROM 'FROM \(''([^'']+)''\)')::timestamptz
    END,
    substring(bound.text FROM 'TO \(''([^'']+)''\)')::timestamptz,
    bound.text = 'DEFAULT'
FROM pg_inherits
INNER JOIN pg_class AS child ON pg_inherits.inhrelid = child.oid
CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS text) AS bound
WHERE pg_inherits.inhparent = to_regclass('runtime_events') AND child.relispartition
$$;

COMMENT ON FUNCTION runtime_events_partitions() IS
'The partitions of runtime_events and their bounds, which the default partition does not have';

REVOKE ALL ON FUNCTION record_runtime_event_id() FROM public;
REVOKE ALL ON FUNCTION add_runtime_events_partition(integer) FROM public;
REVOKE ALL ON FUNCTION drop_runtime_events_partition(timestamptz) FROM public;
REVOKE ALL ON FUNCTION forget_runtime_event_ids(timestamptz, bigint, bigint) FROM public;
