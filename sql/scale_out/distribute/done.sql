-- Lists the steps of distribute that are done. Needs the extension.
-- params: none
-- index: system catalogue, of each worker too
-- locks: none
-- returns: step, the name of its file, one row for each
SELECT '00_lanes' AS step
WHERE to_regprocedure('settled_lanes(integer, bigint[])') IS NOT NULL
UNION ALL
SELECT '00_sequences' AS step
WHERE to_regclass('sequences_checked') IS NOT NULL
UNION ALL
SELECT placed.step
FROM (
    VALUES
    ('01_runs', 'agent_run_count_changes'),
    ('02_runtime_events', 'runtime_events'),
    ('02_runtime_events_partitioned', 'runtime_event_ids'),
    ('03_ledger', 'os_core.sessions')
) AS placed (step, last_table)
INNER JOIN pg_dist_partition ON to_regclass(placed.last_table) = pg_dist_partition.logicalrelid
UNION ALL
SELECT '04_settings' AS step
FROM run_command_on_workers($command$
    SELECT count(*) FROM pg_db_role_setting
    WHERE
        setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND setrole = 0
        AND EXISTS (
            SELECT FROM unnest(setconfig) AS entry
            WHERE starts_with(entry, 'telemetry.worker_settings_given=')
        )
$command$) AS found
HAVING bool_and(found.success AND found.result = '1')
UNION ALL
SELECT '05_balance' AS step
FROM pg_dist_node AS node
WHERE node.isactive AND node.noderole = 'primary' AND node.groupid <> 0 AND node.shouldhaveshards
HAVING
    bool_and(
        EXISTS (
            SELECT 1
            FROM pg_dist_placement AS placement
            INNER JOIN pg_dist_shard ON placement.shardid = pg_dist_shard.shardid
            WHERE
                placement.groupid = node.groupid
                AND pg_dist_shard.logicalrelid = to_regclass('agent_runs')
        )
    );
