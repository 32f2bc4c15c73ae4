-- Asks each worker of a distributed database whether it serves this role, and which triggers of its
-- shards that keep the ledgers append-only are missing or disabled. Needs the extension.
-- params: none
-- index: system catalogue, of each worker
-- locks: none
-- returns: one row for each worker: worker (its number), place (host:port), success, and result
-- (an error, or the names of triggers, as schema.shard.trigger)
SELECT
    node.nodeid AS worker,
    concat(found.nodename, ':', found.nodeport) AS place,
    found.success,
    found.result
FROM run_command_on_workers($command$
    SELECT coalesce(string_agg(guard.shard || '.' || guard.trigger, ', '), '')
    FROM (
        SELECT
            shard_name(ledger.logicalrelid, ledger.shardid) AS shard,
            named.prefix || ledger.shardid AS trigger
        FROM pg_dist_shard AS ledger
        INNER JOIN pg_dist_placement AS placement ON ledger.shardid = placement.shardid
        CROSS JOIN (VALUES ('refuse_change_'), ('refuse_truncate_')) AS named (prefix)
        WHERE
            ledger.logicalrelid IN (
                to_regclass('os_core.audio_runtime_events'), to_regclass('audit.audit_events')
            )
            AND placement.groupid = (SELECT groupid FROM pg_dist_local_group)
    ) AS guard
    WHERE
        NOT EXISTS (
            SELECT 1 FROM pg_trigger
            WHERE
                pg_trigger.tgrelid = to_regclass(guard.shard)
                AND pg_trigger.tgname = guard.trigger
                AND pg_trigger.tgenabled IN ('A', 'O')
        )
$command$) AS found
INNER JOIN pg_dist_node AS node
    ON found.nodename = node.nodename AND found.nodeport = node.nodeport
ORDER BY node.nodeid;
