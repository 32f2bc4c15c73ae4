-- Asks each worker of a distributed database whether it serves this role, and what is missing on
-- its shards: the triggers that keep the ledgers append-only, and what stores an id of
-- runtime_events once, as in sql/health/unguarded_ids.sql. A trigger has to fire when it should,
-- and to call a function with the name and the body that it has on this node. Needs the extension.
-- params: none
-- index: system catalogue, of each worker
-- locks: none
-- returns: one row for each worker: worker (its number), place (host:port), success, and result:
-- an error, or JSON with two arrays of texts: triggers (as schema.shard.trigger) and ids
SELECT
    node.nodeid AS worker,
    concat(found.nodename, ':', found.nodeport) AS place,
    found.success,
    found.result
FROM
    run_command_on_workers(format($command$
    WITH guard AS (
        SELECT
            pg_proc.oid,
            named.name
        FROM json_to_recordset(%L) AS named (name text, schema text, body text)
        INNER JOIN pg_proc
            ON
                named.name = pg_proc.proname
                AND named.schema = pg_proc.pronamespace::regnamespace::text
                AND named.body = md5(pg_proc.prosrc)
    ),

    here AS (
        SELECT
            pg_dist_shard.logicalrelid AS relation,
            pg_dist_shard.shardid AS number,
            shard_name(pg_dist_shard.logicalrelid, pg_dist_shard.shardid) AS name,
            pg_class.relname,
            pg_class.relkind
        FROM pg_dist_shard
        INNER JOIN pg_dist_placement ON pg_dist_shard.shardid = pg_dist_placement.shardid
        INNER JOIN pg_class ON pg_dist_shard.logicalrelid = pg_class.oid
        WHERE
            pg_dist_placement.groupid = (SELECT groupid FROM pg_dist_local_group)
            AND (
                pg_class.relname IN ('runtime_events', 'runtime_event_ids')
                OR pg_class.oid IN (
                    to_regclass('os_core.audio_runtime_events'), to_regclass('audit.audit_events')
                )
            )
    )

    SELECT json_build_object(
        'triggers',
        array(
            SELECT here.name || '.' || named.prefix || here.number
            FROM here
            -- BEFORE UPDATE OR DELETE of a row, and BEFORE TRUNCATE, in the bits of pg_trigger.
            CROSS JOIN (VALUES ('refuse_change_', 27), ('refuse_truncate_', 34))
                AS named (prefix, type)
            WHERE
                here.relname NOT IN ('runtime_events', 'runtime_event_ids')
                AND NOT EXISTS (
                    SELECT FROM pg_trigger
                    INNER JOIN guard ON pg_trigger.tgfoid = guard.oid
                    WHERE
                        guard.name = 'refuse_change'
                        AND pg_trigger.tgrelid = to_regclass(here.name)
                        AND pg_trigger.tgname = named.prefix || here.number
                        AND pg_trigger.tgtype = named.type
                        AND pg_trigger.tgqual IS NULL
                        AND pg_trigger.tgenabled IN ('A', 'O')
                )
            ORDER BY here.number, named.prefix
        ),
        'ids',
        array(
            SELECT 'the primary key of ' || here.name || ' is missing'
            FROM here
            WHERE
                here.relname IN ('runtime_events', 'runtime_event_ids')
                AND here.relkind = 'r'
                AND NOT EXISTS (
                    SELECT FROM pg_index
                    INNER JOIN pg_attribute
                        ON
                            pg_index.indrelid = pg_attribute.attrelid
                            AND pg_index.indkey[0] = pg_attribute.attnum
                    WHERE
                        pg_index.indrelid = to_regclass(here.name)
                        AND pg_index.indisunique
                        AND pg_index.indisvalid
                        AND pg_index.indpred IS NULL
                        AND pg_index.indnkeyatts = 1
                        AND pg_attribute.attname = 'id'
                )
            ORDER BY here.number
        ) || array(
            SELECT
                'trigger ' || pg_inherits.inhrelid::regclass::text
                || '.record_runtime_event_id_' || here.number || ' is missing, disabled or altered'
            FROM here
            INNER JOIN pg_inherits ON to_regclass(here.name) = pg_inherits.inhparent
            WHERE
                here.relname = 'runtime_events'
                AND NOT EXISTS (
                    SELECT FROM pg_trigger
                    INNER JOIN guard ON pg_trigger.tgfoid = guard.oid
                    WHERE
                        guard.name = 'record_runtime_event_id'
                        AND pg_trigger.tgqual IS NULL
                        AND pg_trigger.tgrelid = pg_inherits.inhrelid
                        AND pg_trigger.tgname = 'record_runtime_event_id_' || here.number
                        AND pg_trigger.tgenabled IN ('A', 'O')
                )
            ORDER BY pg_inherits.inhrelid::regclass::text
        )
    )
$command$, (
        SELECT
            coalesce(
                json_agg(
                    json_build_object(
                        'name', pg_proc.proname,
                        'schema', pg_proc.pronamespace::regnamespace,
                        'body', md5(pg_proc.prosrc)
                    )
                ),
                '[]'
            )
        FROM pg_proc
        WHERE pg_proc.oid IN (to_regproc('refuse_change'), to_regproc('record_runtime_event_id'))
    ))) AS found
INNER JOIN pg_dist_node AS node
    ON found.nodename = node.nodename AND found.nodeport = node.nodeport
ORDER BY node.nodeid;
