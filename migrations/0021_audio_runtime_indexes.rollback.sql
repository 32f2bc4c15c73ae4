SET LOCAL lock_timeout = '5s';

DROP INDEX os_core.ix_sessions_tenant_device;

CREATE INDEX ix_sessions_tenant_device ON os_core.sessions (tenant_id, device_id);
COMMENT ON INDEX os_core.ix_sessions_tenant_device IS
'sessions_device_fkey, when a device is deleted';

DROP INDEX os_core.ix_audio_runtime_events_latest_of_kind;

CREATE INDEX ix_audio_runtime_events_latest_of_kind
ON os_core.audio_runtime_events (tenant_id, device_id, event_kind, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_of_kind IS
'os_core.audio_runtime_replay: the latest event of each kind, without reading the history';

DROP INDEX os_core.ux_audio_runtime_events_dedupe;

CREATE UNIQUE INDEX ux_audio_runtime_events_dedupe
ON os_core.audio_runtime_events (tenant_id, device_id, event_kind, idempotency_key);
COMMENT ON INDEX os_core.ux_audio_runtime_events_dedupe IS
'The dedupe key, which makes an event the same as an earlier one: sql/audio_runtime/append.sql';
