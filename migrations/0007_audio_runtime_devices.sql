-- Devices and sessions: what the audio runtime ledger refers to. Each belongs to one tenant for
-- good. Other tables refer to them by pairs that include tenant_id, so the foreign keys keep the
-- tenants apart, not the program.
-- Identifiers use COLLATE "C": their order must not depend on the version of a locale library.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

CREATE SCHEMA os_core;
COMMENT ON SCHEMA os_core IS 'Devices, sessions and what the engines observed';

CREATE TABLE os_core.devices (
    device_id text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    device_type text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT devices_pkey PRIMARY KEY (device_id),
    CONSTRAINT devices_tenant_device_key UNIQUE (tenant_id, device_id),
    CONSTRAINT devices_device_id_check
    CHECK (length(device_id) BETWEEN 1 AND 128 AND device_id ~ '^[A-Za-z0-9._:-]+$'),
    CONSTRAINT devices_tenant_id_check
    CHECK (length(tenant_id) BETWEEN 1 AND 64 AND tenant_id ~ '^[A-Za-z0-9._:-]+$'),
    CONSTRAINT devices_device_type_check CHECK (length(device_type) BETWEEN 1 AND 255)
);

COMMENT ON TABLE os_core.devices IS
'Voice devices; a device belongs for good to the tenant that it was created with';
COMMENT ON CONSTRAINT devices_pkey ON os_core.devices IS
'device_id alone: two tenants cannot share a device';
COMMENT ON CONSTRAINT devices_tenant_device_key ON os_core.devices IS
'Target of the foreign keys of sessions, the ledger, its heads and its projection';
COMMENT ON COLUMN os_core.devices.device_type IS 'Model or kind, in the client''s words';

CREATE TABLE os_core.sessions (
    session_id bigint NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT sessions_tenant_session_key UNIQUE (tenant_id, session_id),
    CONSTRAINT sessions_device_fkey
    FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id),
    CONSTRAINT sessions_session_id_check CHECK (session_id >= 0)
);

COMMENT ON TABLE os_core.sessions IS
'Conversations; a session belongs to one tenant for good, and may move between its devices';
COMMENT ON CONSTRAINT sessions_tenant_session_key ON os_core.sessions IS
'Target of the foreign keys of the ledger and its projection';
COMMENT ON COLUMN os_core.sessions.device_id IS 'The device that the session was last on';

CREATE INDEX ix_sessions_tenant_device ON os_core.sessions (tenant_id, device_id);
COMMENT ON INDEX os_core.ix_sessions_tenant_device IS
'sessions_device_fkey, when a device is deleted';

CREATE FUNCTION os_core.refuse_tenant_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the tenant of a row of %.% can not be changed from % to %',
        tg_table_schema, tg_table_name, old.tenant_id, new.tenant_id
    USING
        ERRCODE = 'restrict_violation',
        HINT = 'Its history belongs to its tenant: create it under a new id for the other one.';
END;
$$;

COMMENT ON FUNCTION os_core.refuse_tenant_change() IS
'Trigger of devices and sessions: refuses an UPDATE that changes the tenant';

CREATE TRIGGER refuse_tenant_change
BEFORE UPDATE ON os_core.devices
FOR EACH ROW
WHEN (old.tenant_id IS DISTINCT FROM new.tenant_id)
EXECUTE FUNCTION os_core.refuse_tenant_change();

CREATE TRIGGER refuse_tenant_change
BEFORE UPDATE ON os_core.sessions
FOR EACH ROW
WHEN (old.tenant_id IS DISTINCT FROM new.tenant_id)
EXECUTE FUNCTION os_core.refuse_tenant_change();

-- ALWAYS: they also fire under session_replication_role = replica.
ALTER TABLE os_core.devices ENABLE ALWAYS TRIGGER refuse_tenant_change;

ALTER TABLE os_core.sessions ENABLE ALWAYS TRIGGER refuse_tenant_change;
