-- Distributes the ledger, its audit rows, heads and projection by tenant_id, side by side, and
-- makes devices and sessions reference tables, which every node has whole: a statement about one
-- tenant goes to one shard.
-- A key of a distributed table has the distribution column in it. Foreign keys are made again once
-- both of their tables are distributed.
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

ALTER TABLE audit.audit_events DROP CONSTRAINT audit_events_source_event_fkey;
ALTER TABLE os_core.audio_runtime_heads DROP CONSTRAINT audio_runtime_heads_event_fkey;
ALTER TABLE os_core.audio_runtime_heads DROP CONSTRAINT audio_runtime_heads_device_fkey;
ALTER TABLE os_core.audio_runtime_current DROP CONSTRAINT audio_runtime_current_device_fkey;
ALTER TABLE os_core.audio_runtime_current DROP CONSTRAINT audio_runtime_current_session_fkey;
ALTER TABLE os_core.audio_runtime_current DROP CONSTRAINT audio_runtime_current_last_event_fkey;
ALTER TABLE os_core.audio_runtime_events DROP CONSTRAINT audio_runtime_events_device_fkey;
ALTER TABLE os_core.audio_runtime_events DROP CONSTRAINT audio_runtime_events_session_fkey;
ALTER TABLE os_core.sessions DROP CONSTRAINT sessions_device_fkey;

ALTER TABLE os_core.audio_runtime_events DROP CONSTRAINT audio_runtime_events_pkey;
ALTER TABLE os_core.audio_runtime_events
ADD CONSTRAINT audio_runtime_events_pkey PRIMARY KEY (event_id, tenant_id);
ALTER TABLE audit.audit_events DROP CONSTRAINT audit_events_pkey;
ALTER TABLE audit.audit_events
ADD CONSTRAINT audit_events_pkey PRIMARY KEY (audit_event_id, tenant_id);
-- The statement that makes a device makes its head: a trigger on a copy of a reference table cannot
-- write into a distributed one.
DROP TRIGGER begin_chain ON os_core.devices;

-- Citus cannot undo the distribution of an identity column. A sequence of the same name takes its
-- place; unlike an identity it needs a right, which those who may insert get.
DO $$
DECLARE
    place record;
    given bigint;
    is_called boolean;
    writer record;
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
        EXECUTE format(
            'ALTER TABLE %1$s ALTER COLUMN %2$s DROP IDENTITY', place.relation, place.name
        );
        EXECUTE format('CREATE SEQUENCE %s_%s_seq', place.relation, place.name);
        -- A table and its sequence have one owner.
        EXECUTE format(
            'ALTER SEQUENCE %s_%s_seq OWNER TO %s',
            place.relation, place.name,
            (SELECT relowner::regrole FROM pg_class WHERE oid = place.relation::regclass)
        );
        EXECUTE format(
            'ALTER SEQUENCE %1$s_%2$s_seq OWNED BY %1$s.%2$s', place.relation, place.name
        );
        PERFORM setval(format('%s_%s_seq', place.relation, place.name)::regclass, given, is_called);
        EXECUTE format(
            'ALTER TABLE %1$s ALTER COLUMN %2$s SET DEFAULT nextval(''%1$s_%2$s_seq'')',
            place.relation, place.name
        );
        FOR writer IN
            SELECT DISTINCT
                CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END AS name
            FROM pg_class
            CROSS JOIN LATERAL aclexplode(pg_class.relacl) AS acl
            WHERE pg_class.oid = place.relation::regclass AND acl.privilege_type = 'INSERT'
        LOOP
            EXECUTE format(
                'GRANT USAGE ON SEQUENCE %s_%s_seq TO %s', place.relation, place.name, writer.name
            );
        END LOOP;
    END LOOP;
END
$$;

SELECT
    create_distributed_table(
        'os_core.audio_runtime_events', 'tenant_id', colocate_with => 'none'
    ) AS placed;
SELECT
    create_distributed_table(
        'audit.audit_events', 'tenant_id', colocate_with => 'os_core.audio_runtime_events'
    ) AS placed;
SELECT
    create_distributed_table(
        'os_core.audio_runtime_heads', 'tenant_id', colocate_with => 'os_core.audio_runtime_events'
    ) AS placed;
SELECT
    create_distributed_table(
        'os_core.audio_runtime_current',
        'tenant_id',
        colocate_with => 'os_core.audio_runtime_events'
    ) AS placed;
SELECT create_reference_table('os_core.devices');
SELECT create_reference_table('os_core.sessions');

-- The rows that were copied: hidden, but on the disk of the coordinator for good. The triggers that
-- refuse it are disabled on the coordinator's table alone, in this transaction.
SELECT set_config('citus.enable_ddl_propagation', 'off', TRUE) AS propagation;
ALTER TABLE os_core.audio_runtime_events DISABLE TRIGGER refuse_truncate;
ALTER TABLE audit.audit_events DISABLE TRIGGER refuse_truncate;
SELECT truncate_local_data_after_distributing_table('audit.audit_events');
SELECT truncate_local_data_after_distributing_table('os_core.audio_runtime_current');
SELECT truncate_local_data_after_distributing_table('os_core.audio_runtime_heads');
SELECT truncate_local_data_after_distributing_table('os_core.audio_runtime_events');
SELECT truncate_local_data_after_distributing_table('os_core.sessions');
SELECT truncate_local_data_after_distributing_table('os_core.devices');
SELECT set_config('citus.enable_ddl_propagation', 'off', TRUE) AS propagation;
ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_truncate;
ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_truncate;
SELECT set_config('citus.enable_ddl_propagation', 'on', TRUE) AS propagation;

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
