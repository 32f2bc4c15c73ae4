SET LOCAL lock_timeout = '5s';

DROP INDEX os_core.ix_audio_runtime_events_unnumbered;

DROP INDEX os_core.ix_audio_runtime_events_tenant_feed;
