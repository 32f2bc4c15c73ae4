-- The rights of a role that reads the tables with a tenant, one tenant at a time: that which the
-- session sets with SET telemetry.tenant = '…'. Without it, no row is visible. Run it as the owner
-- of the tables, after migrate, once for each reader. It can be repeated at any time.
-- sql/roles/reader_undo.sql takes it back.
--
-- python -m telemetry reader --role NAME prints it with the name in place. With psql alone:
-- psql -v ON_ERROR_STOP=1 -v role=NAME -v policy=telemetry_reader_NAME -f sql/roles/reader.sql
--
-- It enables row-level security. The policy telemetry_everyone hides nothing from anyone, so every
-- other role sees what its rights allow. The policy of the reader restricts that for the reader
-- and for the roles that are members of it. The owner and superusers are subject to neither.
-- The role is one of its own: with these policies, the role that serves or that of an analyst would
-- see no row. It guards against a forgotten WHERE. It is no wall against a person who may run any
-- SQL: they can set another tenant.

BEGIN;

SET LOCAL lock_timeout = '5s';

SET LOCAL telemetry.grantee = :"role";
-- A policy that does not exist yet is no news.
SET LOCAL client_min_messages = warning;

DO $$
DECLARE
    reader text := current_setting('telemetry.grantee');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
        RAISE EXCEPTION 'there is no role %', reader
        USING HINT = format('Create it first: CREATE ROLE %I LOGIN PASSWORD ''…''.', reader);
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = reader AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION '% is a superuser or has BYPASSRLS: no policy restricts it', reader;
    END IF;
    IF EXISTS (
        SELECT FROM pg_trigger
        WHERE
            tgrelid = 'os_core.audio_runtime_events'::regclass
            AND tgfoid = to_regproc('pg_catalog.citus_truncate_trigger')
    ) THEN
        RAISE EXCEPTION 'the tables are distributed: Citus would let % see every tenant', reader
        USING HINT = 'Run undistribute first, or let the reader call the API with a token.';
    END IF;
    IF EXISTS (
        SELECT FROM pg_class
        WHERE
            relkind = 'r'
            AND relnamespace IN ('os_core'::regnamespace, 'audit'::regnamespace)
            AND pg_has_role(reader, relowner, 'MEMBER')
    ) THEN
        RAISE EXCEPTION '% owns the tables or is a member of their owner', reader
        USING HINT = 'No policy restricts it. Create a role for the reader.';
    END IF;
    IF has_any_column_privilege(reader, 'os_core.devices'::regclass, 'INSERT') THEN
        RAISE EXCEPTION '% may write to the ledger, as the role that serves does', reader
        USING HINT = 'It would see no row. Create a role for the reader.';
    END IF;
    IF has_schema_privilege(reader, to_regnamespace('telemetry_views'), 'USAGE') THEN
        RAISE EXCEPTION '% reads the views for analysts', reader
        USING HINT = 'It would see no row of telemetry_views.devices. Create a role for the reader.';
    END IF;
END;
$$;

GRANT USAGE ON SCHEMA os_core, audit TO :"role";

GRANT SELECT ON os_core.devices TO :"role";
DROP POLICY IF EXISTS telemetry_everyone ON os_core.devices;
CREATE POLICY telemetry_everyone ON os_core.devices USING (TRUE) WITH CHECK (TRUE);
DROP POLICY IF EXISTS :"policy" ON os_core.devices;
CREATE POLICY :"policy" ON os_core.devices AS RESTRICTIVE TO :"role"
USING (tenant_id = current_setting('telemetry.tenant', TRUE));
ALTER TABLE os_core.devices ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON os_core.sessions TO :"role";
DROP POLICY IF EXISTS telemetry_everyone ON os_core.sessions;
CREATE POLICY telemetry_everyone ON os_core.sessions USING (TRUE) WITH CHECK (TRUE);
DROP POLICY IF EXISTS :"policy" ON os_core.sessions;
CREATE POLICY :"policy" ON os_core.sessions AS RESTRICTIVE TO :"role"
USING (tenant_id = current_setting('telemetry.tenant', TRUE));
ALTER TABLE os_core.sessions ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON os_core.audio_runtime_events TO :"role";
DROP POLICY IF EXISTS telemetry_everyone ON os_core.audio_runtime_events;
CREATE POLICY telemetry_everyone ON os_core.audio_runtime_events USING (TRUE) WITH CHECK (TRUE);
DROP POLICY IF EXISTS :"policy" ON os_core.audio_runtime_events;
CREATE POLICY :"policy" ON os_core.audio_runtime_events AS RESTRICTIVE TO :"role"
USING (tenant_id = current_setting('telemetry.tenant', TRUE));
ALTER TABLE os_core.audio_runtime_events ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON os_core.audio_runtime_heads TO :"role";
DROP POLICY IF EXISTS telemetry_everyone ON os_core.audio_runtime_heads;
CREATE POLICY telemetry_everyone ON os_core.audio_runtime_heads USING (TRUE) WITH CHECK (TRUE);
DROP POLICY IF EXISTS :"policy" ON os_core.audio_runtime_heads;
CREATE POLICY :"policy" ON os_core.audio_runtime_heads AS RESTRICTIVE TO :"role"
USING (tenant_id = current_setting('telemetry.tenant', TRUE));
ALTER TABLE os_core.audio_runtime_heads ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON os_core.audio_runtime_current TO :"role";
DROP POLICY IF EXISTS telemetry_everyone ON os_core.audio_runtime_current;
CREATE POLICY telemetry_everyone ON os_core.audio_runtime_current USING (TRUE) WITH CHECK (TRUE);
DROP POLICY IF EXISTS :"policy" ON os_core.audio_runtime_current;
CREATE POLICY :"policy" ON os_core.audio_runtime_current AS RESTRICTIVE TO :"role"
USING (tenant_id = current_setting('telemetry.tenant', TRUE));
ALTER TABLE os_core.audio_runtime_current ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON audit.audit_events TO :"role";
DROP POLICY IF EXISTS telemetry_everyone ON audit.audit_events;
CREATE POLICY telemetry_everyone ON audit.audit_events USING (TRUE) WITH CHECK (TRUE);
DROP POLICY IF EXISTS :"policy" ON audit.audit_events;
CREATE POLICY :"policy" ON audit.audit_events AS RESTRICTIVE TO :"role"
USING (tenant_id = current_setting('telemetry.tenant', TRUE));
ALTER TABLE audit.audit_events ENABLE ROW LEVEL SECURITY;

COMMIT;
