-- Lets a role read the views of the schema telemetry_views, and nothing else. The role exists:
-- CREATE ROLE analyst LOGIN PASSWORD '…'
-- Run it as the owner of the tables, who must also have made the role or be a superuser.
--
-- python -m telemetry grants --analyst NAME prints it with the name in place. With psql alone:
-- psql -v ON_ERROR_STOP=1 -v role=NAME -f sql/roles/analyst.sql
--
-- It can be run again at any time: after a migration that made a view again, after an upgrade from
-- PostgreSQL 14, and after row-level security was turned on. This takes everything back:
-- DROP OWNED BY analyst
BEGIN;

SET LOCAL lock_timeout = '5s';
SET LOCAL telemetry.analyst = :"role";

-- The limits below would stop the service, or the next migration.
DO $$
DECLARE
    analyst name := current_setting('telemetry.analyst');
    owner oid := (SELECT relowner FROM pg_class WHERE oid = to_regclass('agent_runs'));
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = analyst) THEN
        RAISE EXCEPTION 'there is no role %', analyst
        USING HINT = format('Create it first: CREATE ROLE %I LOGIN PASSWORD ''…''.', analyst);
    END IF;
    IF EXISTS (
        SELECT FROM pg_trigger WHERE tgfoid = to_regproc('pg_catalog.citus_truncate_trigger')
    ) THEN
        RAISE EXCEPTION 'the tables are distributed: % would have no right on their shards', analyst
        USING HINT = 'Citus reads them as the reader, not as the owner of a view. Give analysts a'
            ' copy of the data.';
    END IF;
    IF pg_has_role(analyst, owner, 'MEMBER') THEN
        RAISE EXCEPTION '% owns the tables, is a member of their owner or a superuser', analyst
        USING HINT = 'Its sessions would become read-only. Create a role for the analyst.';
    END IF;
    IF EXISTS (
        SELECT FROM pg_class
        WHERE
            relkind IN ('r', 'p')
            AND relowner = owner
            AND relnamespace IN (
                SELECT oid FROM pg_namespace WHERE nspname IN (current_schema(), 'os_core', 'audit')
            )
            AND (
                has_any_column_privilege(analyst, oid, 'INSERT, UPDATE')
                OR has_table_privilege(analyst, oid, 'DELETE, TRUNCATE')
            )
    ) THEN
        RAISE EXCEPTION '% may write to the tables, as the role that serves does', analyst
        USING HINT = 'Its sessions would become read-only. Create a role for the analyst.';
    END IF;
    IF EXISTS (SELECT FROM pg_policy WHERE polname = 'telemetry_reader_' || analyst) THEN
        RAISE EXCEPTION '% reads the ledger one tenant at a time', analyst
        USING HINT = 'It would see no row of telemetry_views.devices. Create a role for the analyst.';
    END IF;
END
$$;

GRANT USAGE ON SCHEMA telemetry_views TO :"role";
-- They run with the rights of their owner.
GRANT SELECT ON telemetry_views.runs, telemetry_views.runtime_events TO :"role";
GRANT SELECT ON telemetry_views.runtime_events_by_hour TO :"role";

-- The view of devices runs with the rights of its reader, so that row-level security applies to it.
-- Without USAGE on os_core, the reader has no other way to its tables. An analyst reads all tenants,
-- which needs a policy where row-level security is on. PostgreSQL 14 has no such views: there, it
-- would show the devices of all tenants to everyone who may read it, and is not granted.
DO $$
DECLARE
    analyst name := current_setting('telemetry.analyst');
    source regclass;
BEGIN
    IF current_setting('server_version_num')::integer >= 150000 THEN
        ALTER VIEW telemetry_views.devices SET (security_invoker = TRUE);
        EXECUTE format('GRANT SELECT ON telemetry_views.devices TO %I', analyst);
        FOREACH source IN ARRAY '{os_core.devices, os_core.audio_runtime_current}'::regclass[] LOOP
            EXECUTE format('GRANT SELECT ON %s TO %I', source, analyst);
            IF EXISTS (SELECT FROM pg_class WHERE oid = source AND relrowsecurity)
                AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = source AND polname = analyst)
            THEN
                EXECUTE format(
                    'CREATE POLICY %I ON %s FOR SELECT TO %I USING (TRUE)', analyst, source, analyst
                );
            END IF;
        END LOOP;
    END IF;
END
$$;

-- So that a query of an analyst cannot hurt the service. They hold for new sessions, and a session
-- may change all but the first: against more than carelessness, let analysts read a standby.
ALTER ROLE :"role" CONNECTION LIMIT 4;
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '60s';
-- An open transaction keeps VACUUM from removing old rows, and migrations from their locks.
ALTER ROLE :"role" SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE :"role" SET idle_session_timeout = '1h';
ALTER ROLE :"role" SET max_parallel_workers_per_gather = 0;
ALTER ROLE :"role" SET search_path = telemetry_views;

COMMIT;
