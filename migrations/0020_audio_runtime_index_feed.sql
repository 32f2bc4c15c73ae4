-- The indexes that the feed of the ledger reads. Writers continue while they are built. It first
-- removes what an interrupted attempt left.
-- Both are partial, so that they serve the feed alone. Until the ledger is analysed, PostgreSQL
-- would take an index that merely begins with tenant_id for the checks of foreign keys as well.
-- depends: 0019_audio_runtime_feed
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS os_core.ix_audio_runtime_events_tenant_feed;

DROP INDEX CONCURRENTLY IF EXISTS os_core.ix_audio_runtime_events_unnumbered;

CREATE INDEX CONCURRENTLY ix_audio_runtime_events_tenant_feed
ON os_core.audio_runtime_events (tenant_id, feed_number)
WHERE feed_number > 0;

COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant_feed IS
'sql/audio_runtime/feed.sql: the events of a tenant in each lane in order';

CREATE INDEX CONCURRENTLY ix_audio_runtime_events_unnumbered
ON os_core.audio_runtime_events (tenant_id, event_id)
WHERE feed_number = 0;

COMMENT ON INDEX os_core.ix_audio_runtime_events_unnumbered IS
'sql/audio_runtime/feed_unnumbered.sql; only events from before feed_number existed are in it';
