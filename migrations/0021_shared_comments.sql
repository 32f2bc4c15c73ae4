-- Comments that say what is there: what a tick of the rate limit is, and the statements and tables
-- that lead to an index. Nobody who reads or writes a table waits.
-- depends: 0002_rate_limit_create 0008_audit_create 0010_runs_counts 0020_audio_runtime_fold

SET LOCAL lock_timeout = '5s';

COMMENT ON TABLE migration_checksums IS
'The digest of each applied migration''s text, so that a later edit of its file is noticed';

COMMENT ON COLUMN rate_limit_clients.ticks IS
'The latest hit of each 60 ms with hits, in microseconds since 1970: at most 1,001 of a minute, '
'whatever the limit';
COMMENT ON COLUMN rate_limit_clients.hits IS
'Number of hits in the 60 ms of the tick of the same position';

COMMENT ON FUNCTION count_no_runs() IS
'Trigger of agent_runs: sets all counts to zero before TRUNCATE, which nobody writes beside';

COMMENT ON CONSTRAINT devices_tenant_device_key ON os_core.devices IS
'What sessions, the ledger, its heads and its projection refer to';

COMMENT ON INDEX audit.ix_audit_events_tenant_device IS 'sql/audit/query_device.sql';
COMMENT ON INDEX audit.ux_audit_events_source IS
'sql/audio_runtime/verify_events.sql, side by side with the ledger';
