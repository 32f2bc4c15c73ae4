-- Leaves each look-up of a ledger row one index that fits, whatever the statistics say.
-- A foreign key looks a row up by (tenant_id, device_id, event_id), with a plan that a session
-- keeps. While the ledger is small or has not been analysed, the planner takes every index that
-- begins with the device for equally good, and two of them read the device's history.
-- These two are for statements that name a kind, so they are closed to those that do not: the first
-- by a condition that only a comparison with event_kind implies, the second by its first column.
-- (ON CONFLICT does not infer an index with a condition.) The index of the sessions by device is
-- closed to the look-up of a session in the same way as the first.
-- Of indexes that cost the same, as all do in a table of one row, the planner takes the one created
-- last. So the target of the foreign keys is created again at the end.
-- Every step can be run again. No index is built under a lock that blocks writers.
-- depends: 0010_audio_runtime_chain 0011_audio_runtime_projection 0012_audit_events
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS os_core.ix_audio_runtime_events_latest_of_kind_new;

CREATE INDEX CONCURRENTLY ix_audio_runtime_events_latest_of_kind_new
ON os_core.audio_runtime_events (tenant_id, device_id, event_kind, event_id)
WHERE event_kind IS NOT NULL;

DROP INDEX CONCURRENTLY IF EXISTS os_core.ux_audio_runtime_events_dedupe_new;

CREATE UNIQUE INDEX CONCURRENTLY ux_audio_runtime_events_dedupe_new
ON os_core.audio_runtime_events (event_kind, tenant_id, device_id, idempotency_key);

DROP INDEX CONCURRENTLY IF EXISTS os_core.ix_sessions_tenant_device_new;

CREATE INDEX CONCURRENTLY ix_sessions_tenant_device_new
ON os_core.sessions (tenant_id, device_id)
WHERE device_id IS NOT NULL;

-- The new indexes take the place of the old ones in one transaction, which only writes the
-- catalogue: the dedupe key is unique at any moment.
SET lock_timeout = '5s';

DO $$
BEGIN
    DROP INDEX os_core.ix_audio_runtime_events_latest_of_kind;
    ALTER INDEX os_core.ix_audio_runtime_events_latest_of_kind_new
    RENAME TO ix_audio_runtime_events_latest_of_kind;
    DROP INDEX os_core.ux_audio_runtime_events_dedupe;
    ALTER INDEX os_core.ux_audio_runtime_events_dedupe_new
    RENAME TO ux_audio_runtime_events_dedupe;
    DROP INDEX os_core.ix_sessions_tenant_device;
    ALTER INDEX os_core.ix_sessions_tenant_device_new
    RENAME TO ix_sessions_tenant_device;
END;
$$;

COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_of_kind IS
'os_core.audio_runtime_replay: the latest event of each kind, without reading the history';

COMMENT ON INDEX os_core.ux_audio_runtime_events_dedupe IS
'The dedupe key, which makes an event the same as an earlier one: sql/audio_runtime/append.sql';

COMMENT ON INDEX os_core.ix_sessions_tenant_device IS
'sessions_device_fkey, when a device is deleted';

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS os_core.ix_audio_runtime_events_tenant_device_time_ccnew;

DROP INDEX CONCURRENTLY IF EXISTS os_core.ix_audio_runtime_events_tenant_device_time_ccold;

REINDEX INDEX CONCURRENTLY os_core.ix_audio_runtime_events_tenant_device_time;
