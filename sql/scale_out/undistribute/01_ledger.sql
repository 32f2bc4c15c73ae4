-- Brings the ledger, its audit rows, heads, projection, devices and sessions back to the
-- coordinator, as migrate made them.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on the tables while their rows are copied
-- returns: nothing

LOCK TABLE
os_core.devices,
os_core.sessions,
os_core.audio_runtime_events,
os_core.audio_runtime_heads,
os_core.audio_runtime_current,
audit.audit_events
IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

-- LOCK reaches no shard. These change nothing and wait there for transactions in doubt, which would
-- otherwise commit into shards that have been copied.
ALTER TABLE audit.audit_events ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE os_core.audio_runtime_heads ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE os_core.audio_runtime_current ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE os_core.audio_runtime_events ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE os_core.sessions ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE os_core.devices ALTER COLUMN tenant_id SET NOT NULL;

-- undistribute_table makes a new table, and drops the functions that take the row type of the old.
CREATE TEMPORARY TABLE kept_functions ON COMMIT DROP AS
SELECT
    pg_get_functiondef(pg_proc.oid) AS definition,
    format(
        'ALTER FUNCTION %s OWNER TO %s', pg_proc.oid::regprocedure, pg_proc.proowner::regrole
    ) AS ownership,
    format(
        'COMMENT ON FUNCTION %s IS %L',
        pg_proc.oid::regprocedure,
        obj_description(pg_proc.oid, 'pg_proc')
    ) AS comment
FROM pg_proc
WHERE
    EXISTS (
        SELECT 1
        FROM unnest(pg_proc.proargtypes) AS argument (type_id)
        INNER JOIN pg_class ON argument.type_id = pg_class.reltype
        INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
        WHERE pg_class.relkind = 'r' AND pg_namespace.nspname IN ('os_core', 'audit')
    );

ALTER TABLE audit.audit_events DROP CONSTRAINT audit_events_source_event_fkey;
ALTER TABLE os_core.audio_runtime_heads DROP CONSTRAINT audio_runtime_heads_event_fkey;
ALTER TABLE os_core.audio_runtime_heads DROP CONSTRAINT audio_runtime_heads_device_fkey;
ALTER TABLE os_core.audio_runtime_current DROP CONSTRAINT audio_runtime_current_device_fkey;
ALTER TABLE os_core.audio_runtime_current DROP CONSTRAINT audio_runtime_current_session_fkey;
ALTER TABLE os_core.audio_runtime_current DROP CONSTRAINT audio_runtime_current_last_event_fkey;
ALTER TABLE os_core.audio_runtime_events DROP CONSTRAINT audio_runtime_events_device_fkey;
ALTER TABLE os_core.audio_runtime_events DROP CONSTRAINT audio_runtime_events_session_fkey;
ALTER TABLE os_core.sessions DROP CONSTRAINT sessions_device_fkey;

SELECT undistribute_table('audit.audit_events');
SELECT undistribute_table('os_core.audio_runtime_heads');
SELECT undistribute_table('os_core.audio_runtime_current');
SELECT undistribute_table('os_core.audio_runtime_events');
SELECT undistribute_table('os_core.sessions');
SELECT undistribute_table('os_core.devices');
-- Citus refuses changes of a sequence that it has made known to the workers, and keeps it known.
SELECT
    citus_unmark_object_distributed(
        'pg_class'::regclass, 'os_core.audio_runtime_events_feed_seq'::regclass, 0, FALSE
    );

ALTER TABLE os_core.audio_runtime_events DROP CONSTRAINT audio_runtime_events_pkey;
ALTER TABLE os_core.audio_runtime_events
ADD CONSTRAINT audio_runtime_events_pkey PRIMARY KEY (event_id);
ALTER TABLE audit.audit_events DROP CONSTRAINT audit_events_pkey;
ALTER TABLE audit.audit_events
ADD CONSTRAINT audit_events_pkey PRIMARY KEY (audit_event_id);

DO $$
DECLARE
    place record;
    given bigint;
    is_called boolean;
BEGIN
    FOR place IN
        SELECT * FROM (
            VALUES
            ('os_core.audio_runtime_events', 'event_id'),
            ('audit.audit_events', 'audit_event_id')
        ) AS numbered (relation, name)
    LOOP
        EXECUTE format(
            'SELECT sequence.last_value, sequence.is_called FROM %1$s_%2$s_seq AS sequence',
            place.relation, place.name
        ) INTO given, is_called;
        EXECUTE format('ALTER TABLE %1$s ALTER COLUMN %2$s DROP DEFAULT', place.relation, place.name);
        EXECUTE format('DROP SEQUENCE %s_%s_seq', place.relation, place.name);
        EXECUTE format(
            'ALTER TABLE %1$s ALTER COLUMN %2$s ADD GENERATED ALWAYS AS IDENTITY',
            place.relation, place.name
        );
        PERFORM setval(format('%s_%s_seq', place.relation, place.name)::regclass, given, is_called);
    END LOOP;
END
$$;

CREATE TRIGGER begin_chain
AFTER INSERT ON os_core.devices
FOR EACH ROW
EXECUTE FUNCTION os_core.begin_chain();

ALTER TABLE os_core.sessions
ADD CONSTRAINT sessions_device_fkey
FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id);
ALTER TABLE os_core.audio_runtime_events
ADD CONSTRAINT audio_runtime_events_device_fkey
FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id);
ALTER TABLE os_core.audio_runtime_events
ADD CONSTRAINT audio_runtime_events_session_fkey
FOREIGN KEY (tenant_id, session_id) REFERENCES os_core.sessions (tenant_id, session_id);
ALTER TABLE os_core.audio_runtime_heads
ADD CONSTRAINT audio_runtime_heads_device_fkey
FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id);
ALTER TABLE os_core.audio_runtime_heads
ADD CONSTRAINT audio_runtime_heads_event_fkey
FOREIGN KEY (tenant_id, device_id, event_id)
REFERENCES os_core.audio_runtime_events (tenant_id, device_id, event_id);
ALTER TABLE os_core.audio_runtime_current
ADD CONSTRAINT audio_runtime_current_device_fkey
FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id);
ALTER TABLE os_core.audio_runtime_current
ADD CONSTRAINT audio_runtime_current_session_fkey
FOREIGN KEY (tenant_id, session_id) REFERENCES os_core.sessions (tenant_id, session_id);
ALTER TABLE os_core.audio_runtime_current
ADD CONSTRAINT audio_runtime_current_last_event_fkey
FOREIGN KEY (tenant_id, device_id, last_event_id)
REFERENCES os_core.audio_runtime_events (tenant_id, device_id, event_id);
ALTER TABLE audit.audit_events
ADD CONSTRAINT audit_events_source_event_fkey
FOREIGN KEY (tenant_id, device_id, source_event_id)
REFERENCES os_core.audio_runtime_events (tenant_id, device_id, event_id);

DO $$
DECLARE
    kept record;
BEGIN
    -- They call each other.
    SET LOCAL check_function_bodies = off;
    FOR kept IN SELECT definition, ownership, comment FROM kept_functions LOOP
        EXECUTE kept.definition;
        EXECUTE kept.ownership;
        EXECUTE kept.comment;
    END LOOP;
END
$$;
