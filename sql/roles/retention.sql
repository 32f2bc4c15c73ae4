-- What the role that serves needs on top of sql/roles/serve.sql, so that it can prune runs and
-- runtime events. Run it after sql/roles/serve.sql, which revokes these rights.
--
-- python -m telemetry grants --role NAME --retention prints both as one transaction.

GRANT DELETE ON agent_runs, runtime_events TO :"role";
GRANT INSERT, UPDATE ON retention_passes, runtime_events_pruned TO :"role";

-- Where runtime_events is partitioned, old events are deleted by dropping partitions. These
-- functions do that, and nothing else, as the owner of the table.
SET LOCAL telemetry.grantee = :"role";

DO $$
BEGIN
    IF to_regprocedure('drop_runtime_events_partition(timestamptz)') IS NOT NULL THEN
        EXECUTE format(
            'GRANT EXECUTE ON FUNCTION drop_runtime_events_partition(timestamptz),'
            ' forget_runtime_event_ids(timestamptz, bigint, bigint) TO %I',
            current_setting('telemetry.grantee')
        );
    END IF;
END
$$;
