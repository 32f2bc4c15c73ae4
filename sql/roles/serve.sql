-- The rights of the role that serves: it may do what the statements under sql/ do, and nothing
-- else. Run it as the owner of the tables, after the first migrate and after each later one that
-- creates a table. It can be repeated at any time, while the service runs. Rights that the role has
-- and does not need are revoked. All of it happens in one transaction.
--
-- python -m telemetry grants --role NAME prints it with the name in place. With psql alone:
-- psql -v ON_ERROR_STOP=1 -v role=NAME -f sql/roles/serve.sql
--
-- It works in every database of the service, because each has all tables. A role belongs to the
-- whole server, so it can be one role for two databases of a server.
--
-- A statement that needs a new right: add the right here, to sql/health/missing_rights.sql and to
-- sql/health/role.sql.

BEGIN;

-- Citus changes the rights of one shard after the other; without it nothing reads this.
SET LOCAL citus.multi_shard_modify_mode = 'sequential';

-- What follows reads the name from a setting, because psql fills in no variable inside of $$.
SET LOCAL telemetry.grantee = :"role";

DO $$
DECLARE
    grantee text := current_setting('telemetry.grantee');
    owner text := (
        SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('agent_runs')
    );
    kept text;
BEGIN
    IF owner IS NULL THEN
        RAISE EXCEPTION 'the database has no table agent_runs: run migrate first';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = grantee) THEN
        RAISE EXCEPTION 'there is no role %', grantee
        USING HINT = format('Create it first: CREATE ROLE %I LOGIN PASSWORD ''…''.', grantee);
    END IF;
    IF pg_has_role(grantee, owner, 'MEMBER') THEN
        RAISE EXCEPTION '% owns the tables, is a member of their owner or a superuser', grantee
        USING HINT = 'No REVOKE restricts it. Create a role for the web process.';
    END IF;
    IF EXISTS (
        SELECT FROM pg_roles
        WHERE rolname = grantee AND 'default_transaction_read_only=on' = any(rolconfig)
    ) THEN
        RAISE EXCEPTION 'the sessions of % are read-only, as those of an analyst', grantee
        USING HINT = format('Create another role, or ALTER ROLE %I RESET ALL.', grantee);
    END IF;
    IF NOT pg_has_role(current_user, owner, 'USAGE') THEN
        RAISE EXCEPTION '% may not grant rights on the tables: run this as %', current_user, owner;
    END IF;
    -- All that was granted by hand. Only of what this role owns: others may share the database.
    FOR kept IN
        SELECT format(CASE relkind WHEN 'S' THEN 'SEQUENCE %s' ELSE 'TABLE %s' END, oid::regclass)
        FROM pg_class
        WHERE
            relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            AND relnamespace IN (
                SELECT oid FROM pg_namespace WHERE nspname IN (current_schema(), 'os_core', 'audit')
            )
            AND pg_has_role(current_user, relowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', kept, grantee);
    END LOOP;
    -- An identity column needs no right; where the tables are distributed, a default replaces it.
    EXECUTE format('GRANT USAGE ON SEQUENCE audit.audit_events_audit_event_id_seq TO %I', grantee);
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM %I', current_database(), grantee);
    -- What tables of later migrations would grant by themselves.
    FOREACH kept IN ARRAY ARRAY['TABLES', 'SEQUENCES'] LOOP
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE ALL ON %s FROM %I', owner, kept, grantee
        );
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I, os_core, audit'
            ' REVOKE ALL ON %s FROM %I', owner, current_schema(), kept, grantee
        );
    END LOOP;
    -- PostgreSQL 14 lets every role create objects in public. Triggers of the service, which run as
    -- their owner, look up functions there: a role that may add one could divert them.
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I', current_schema(), grantee);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), grantee);
END
$$;

REVOKE ALL ON SCHEMA os_core, audit FROM :"role";
GRANT USAGE ON SCHEMA os_core, audit TO :"role";

-- Records that change: runs, devices, sessions, and the heads of the chains. FOR UPDATE, which
-- locks a head, needs UPDATE.
GRANT SELECT, INSERT, UPDATE ON agent_runs TO :"role";
GRANT SELECT, INSERT, UPDATE ON os_core.devices, os_core.sessions TO :"role";
GRANT SELECT, INSERT, UPDATE ON os_core.audio_runtime_heads TO :"role";

-- What is only appended to.
GRANT SELECT, INSERT ON runtime_events TO :"role";
GRANT SELECT, INSERT ON os_core.audio_runtime_events, audit.audit_events TO :"role";

-- What can be made again from the rest: the projection, and the windows of the rate limit.
GRANT SELECT, INSERT, UPDATE, DELETE ON os_core.audio_runtime_current TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limit_clients TO :"role";

-- What is only read. Triggers keep the counts with the rights of their owner, verify records its
-- end, migrate the migrations, and retention what it deleted.
GRANT SELECT ON agent_run_counts, agent_run_count_changes TO :"role";
GRANT SELECT ON audio_runtime_verifications, _yoyo_migration TO :"role";
GRANT SELECT ON retention_passes, runtime_events_pruned TO :"role";

-- Tokens are read, and their last use is written. A role that may write more of a token could give
-- itself any scope.
GRANT SELECT ON api_tokens TO :"role";
GRANT UPDATE (last_used_at) ON api_tokens TO :"role";

-- The numbers that an INSERT draws. Those of an identity column need no right.
GRANT USAGE ON SEQUENCE agent_runs_change_seq, runtime_events_number_seq TO :"role";
GRANT USAGE ON SEQUENCE os_core.audio_runtime_events_event_id_seq TO :"role";
GRANT USAGE ON SEQUENCE os_core.audio_runtime_events_feed_seq TO :"role";

-- Every role may run functions, unless a DBA revoked that. Those of triggers need no right.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA os_core, audit TO :"role";
GRANT EXECUTE ON FUNCTION take_lane(integer), last_given(regclass) TO :"role";
GRANT EXECUTE ON FUNCTION agent_run_bucket(timestamptz) TO :"role";
GRANT EXECUTE ON FUNCTION runtime_event_weight(jsonb, numeric, numeric) TO :"role";

-- Where runtime_events is partitioned, the web process adds the partitions of the next days. To drop
-- old ones is a right of sql/roles/retention.sql.
DO $$
DECLARE
    kept regprocedure;
BEGIN
    FOREACH kept IN ARRAY ARRAY[
        to_regprocedure('drop_runtime_events_partition(timestamptz)'),
        to_regprocedure('forget_runtime_event_ids(timestamptz, bigint, bigint)')
    ] LOOP
        IF kept IS NOT NULL THEN
            EXECUTE format(
                'REVOKE ALL ON FUNCTION %s FROM %I', kept, current_setting('telemetry.grantee')
            );
        END IF;
    END LOOP;
    IF to_regprocedure('add_runtime_events_partition(integer)') IS NOT NULL THEN
        EXECUTE format(
            'GRANT EXECUTE ON FUNCTION add_runtime_events_partition(integer) TO %I',
            current_setting('telemetry.grantee')
        );
    END IF;
END
$$;

COMMIT;
