-- Distributes the partitioned runtime_events by id, with a shard of runtime_event_ids beside each
-- of its shards: the trigger of a partition's shard looks ids up in the shard beside it, so an
-- event and its id move together. The lane and the number of an event come from defaults, which the
-- coordinator evaluates; a trigger would draw them from the sequences of each worker.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events, its partitions and the ids while their rows are copied
-- returns: nothing

LOCK TABLE runtime_events, runtime_event_ids IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

DROP TRIGGER number_runtime_event ON runtime_events;
-- The copy to the shards would fire it, and the ids are copied too.
DROP TRIGGER record_runtime_event_id ON runtime_events;
ALTER TABLE runtime_events ALTER COLUMN lane SET DEFAULT take_lane(7306)::smallint;
ALTER TABLE runtime_events ALTER COLUMN number SET DEFAULT nextval('runtime_events_number_seq');
-- Citus places tables side by side when their columns have the same collation.
ALTER TABLE runtime_event_ids ALTER COLUMN id TYPE text COLLATE "default";

SELECT create_distributed_table('runtime_events', 'id', colocate_with => 'none');
SELECT create_distributed_table('runtime_event_ids', 'id', colocate_with => 'runtime_events');

-- Rows that stay on the coordinator would be in the way of a new partition for their day.
SELECT truncate_local_data_after_distributing_table(part.partition)
FROM runtime_events_partitions() AS part;
SELECT truncate_local_data_after_distributing_table('runtime_event_ids');

-- The steps of sql/scale_out/partition/functions.sql, on the shards beside the one that fires the
-- trigger: all that has one id is on one worker, in one transaction there. The names of shards are
-- known when it fires, so each statement is planned then, for the partition that it needs.
CREATE OR REPLACE FUNCTION record_runtime_event_id() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    -- Quoted names of shards.
    ids text;
    events text;
    known timestamptz;
    rows bigint;
BEGIN
    SELECT shard_name(beside.logicalrelid, beside.shardid) INTO ids
    FROM pg_dist_shard AS here
    INNER JOIN pg_dist_shard AS beside ON here.shardminvalue = beside.shardminvalue
    WHERE
        here.shardid = substring(tg_table_name FROM '[0-9]+$')::bigint
        AND beside.logicalrelid = 'runtime_event_ids'::regclass;
    IF tg_op = 'UPDATE' THEN
        EXECUTE format('UPDATE %s SET recorded_at = $1 WHERE id = $2', ids)
        USING new.recorded_at, new.id;
        RETURN new;
    END IF;
    LOOP
        EXECUTE format(
            'INSERT INTO %s (id, recorded_at) VALUES ($1, $2) ON CONFLICT DO NOTHING', ids
        ) USING new.id, new.recorded_at;
        GET DIAGNOSTICS rows = ROW_COUNT;
        IF rows > 0 THEN
            RETURN new;
        END IF;
        EXECUTE format('SELECT recorded_at FROM %s WHERE id = $1', ids)
        INTO known USING new.id;
        CONTINUE WHEN known IS NULL;
        SELECT inhparent::regclass::text INTO events FROM pg_inherits WHERE inhrelid = tg_relid;
        EXECUTE format('SELECT count(*) FROM %s WHERE id = $1 AND recorded_at = $2', events)
        INTO rows USING new.id, known;
        IF rows > 0 THEN
            RETURN NULL;
        END IF;
        EXECUTE format('SELECT recorded_at FROM %s WHERE id = $1 FOR UPDATE', ids)
        INTO known USING new.id;
        -- Retention has deleted the id.
        CONTINUE WHEN known IS NULL;
        EXECUTE format('SELECT count(*) FROM %s WHERE id = $1 AND recorded_at = $2', events)
        INTO rows USING new.id, known;
        IF rows > 0 THEN
            RETURN NULL;
        END IF;
        EXECUTE format('UPDATE %s SET recorded_at = $1 WHERE id = $2', ids)
        USING new.recorded_at, new.id;
        RETURN new;
    END LOOP;
END;
$$;

-- The blocks are those of each shard: one call deletes from all shards at once. A writer that takes
-- an id over meanwhile writes a new version of its row, of another place: then the id stays.
CREATE OR REPLACE FUNCTION forget_runtime_event_ids(
    before timestamptz, first_block bigint, block_count bigint
)
RETURNS TABLE (next_block bigint, forgotten bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    DELETE FROM runtime_event_ids AS known
    USING runtime_event_ids AS gone
    WHERE
        known.id = gone.id
        AND known.ctid = gone.ctid
        AND known.xmin = gone.xmin
        AND gone.ctid >= format('(%s,0)', forget_runtime_event_ids.first_block)::tid
        AND gone.ctid < format(
            '(%s,0)',
            forget_runtime_event_ids.first_block + forget_runtime_event_ids.block_count
        )::tid
        AND gone.recorded_at < forget_runtime_event_ids.before
        AND NOT EXISTS (
            SELECT 1 FROM runtime_events AS event
            WHERE
                event.id = gone.id
                AND event.recorded_at = gone.recorded_at
                AND event.recorded_at < forget_runtime_event_ids.before
        );
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    next_block := forget_runtime_event_ids.first_block + forget_runtime_event_ids.block_count;
    PERFORM 1 FROM runtime_event_ids AS known
    WHERE known.ctid >= format('(%s,0)', next_block)::tid
    LIMIT 1;
    IF NOT found THEN
        next_block := NULL;
    END IF;
    RETURN NEXT;
END;
$$;

CREATE TRIGGER record_runtime_event_id
BEFORE INSERT OR UPDATE OF id, recorded_at ON runtime_events
FOR EACH ROW
EXECUTE FUNCTION record_runtime_event_id();
