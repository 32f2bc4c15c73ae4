SET LOCAL lock_timeout = '5s';

DROP FUNCTION audit.audio_runtime_row(os_core.audio_runtime_events);

DROP TABLE audit.audit_events;

DROP SCHEMA audit;
