-- Takes back what sql/roles/reader.sql did for a reader: its rights and its policies. With the
-- last reader, row-level security goes too. Run it as the owner of the tables.
-- python -m telemetry reader --role NAME --undo prints it with the name in place.

BEGIN;

SET LOCAL lock_timeout = '5s';
SET LOCAL client_min_messages = warning;

REVOKE SELECT ON os_core.devices FROM :"role";
DROP POLICY IF EXISTS :"policy" ON os_core.devices;

REVOKE SELECT ON os_core.sessions FROM :"role";
DROP POLICY IF EXISTS :"policy" ON os_core.sessions;

REVOKE SELECT ON os_core.audio_runtime_events FROM :"role";
DROP POLICY IF EXISTS :"policy" ON os_core.audio_runtime_events;

REVOKE SELECT ON os_core.audio_runtime_heads FROM :"role";
DROP POLICY IF EXISTS :"policy" ON os_core.audio_runtime_heads;

REVOKE SELECT ON os_core.audio_runtime_current FROM :"role";
DROP POLICY IF EXISTS :"policy" ON os_core.audio_runtime_current;

REVOKE SELECT ON audit.audit_events FROM :"role";
DROP POLICY IF EXISTS :"policy" ON audit.audit_events;

REVOKE USAGE ON SCHEMA os_core, audit FROM :"role";

-- Row-level security goes with its last reader.
DO $$
DECLARE
    guarded regclass;
BEGIN
    FOR guarded IN
        SELECT polrelid FROM pg_policy AS everyone
        WHERE
            polname = 'telemetry_everyone'
            -- Those of the copies that Citus may keep beside them follow.
            AND polrelid = any(ARRAY[
                'os_core.devices',
                'os_core.sessions',
                'os_core.audio_runtime_events',
                'os_core.audio_runtime_heads',
                'os_core.audio_runtime_current',
                'audit.audit_events'
            ]::regclass[])
            AND NOT EXISTS (
                SELECT FROM pg_policy
                WHERE polrelid = everyone.polrelid AND polname <> 'telemetry_everyone'
            )
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('DROP POLICY telemetry_everyone ON %s', guarded);
    END LOOP;
END;
$$;

COMMIT;
