-- Lists the steps of undistribute that are done. Needs the extension.
-- params: none
-- index: system catalogue, of each worker too
-- locks: none
-- returns: step, the name of its file, one row for each
SELECT placed.step
FROM (
    VALUES
    ('01_ledger', 'os_core.devices'),
    ('02_runtime_events', 'runtime_events'),
    ('02_runtime_events_partitioned', 'runtime_event_ids'),
    ('03_runs', 'agent_runs')
) AS placed (step, last_table)
LEFT JOIN pg_dist_partition ON to_regclass(placed.last_table) = pg_dist_partition.logicalrelid
WHERE pg_dist_partition.logicalrelid IS NULL
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
HAVING bool_and(found.success AND found.result = '0') IS NOT FALSE;
