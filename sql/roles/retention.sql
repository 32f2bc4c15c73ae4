-- What the role that serves needs on top of sql/roles/serve.sql, so that it can prune runs and
-- runtime events. Run it after sql/roles/serve.sql, which revokes these rights.
--
-- python -m telemetry grants --role NAME --retention prints both as one transaction.

GRANT DELETE ON agent_runs, runtime_events TO :"role";
GRANT INSERT, UPDATE ON retention_passes, runtime_events_pruned TO :"role";
