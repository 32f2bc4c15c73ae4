SET LOCAL lock_timeout = '5s';

COMMENT ON INDEX audit.ux_audit_events_source IS
'sql/audio_runtime/verify_audit.sql, side by side with the ledger';
COMMENT ON INDEX audit.ix_audit_events_tenant_device IS 'sql/audit/query.sql of one device';

COMMENT ON CONSTRAINT devices_tenant_device_key ON os_core.devices IS
'What the ledger, its heads and its projection refer to';

COMMENT ON FUNCTION count_no_runs() IS
'Trigger of agent_runs: after TRUNCATE, which nobody writes beside, all counts are zero';

COMMENT ON COLUMN rate_limit_clients.hits IS 'Number of hits in the tick of the same position';
COMMENT ON COLUMN rate_limit_clients.ticks IS
'Moments of the window with hits, in ticks of 60 ms since 1970: at most 1,000 whatever the limit';

COMMENT ON TABLE migration_checksums IS
'The text that each applied migration had, so that a later edit of its file is noticed';
