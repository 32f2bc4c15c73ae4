-- Describes the role of this connection: whether it owns tables of the service, and what it may do
-- that no statement of the service does. An owner can switch triggers off; so can a member of the
-- owner, and a superuser. What sql/roles/retention.sql grants is no excess. A right on some columns
-- counts, but it may write the last use of a token. So does what it can take by SET ROLE from a
-- role that it is a member of. Until PostgreSQL 15, CREATEROLE lets it become a member of the
-- owner.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: one row: name, is_superuser (or a member of one), owned (array of tables that the role
-- owns or could own), powers (array of attributes such as CREATEROLE, which ALTER ROLE takes back),
-- memberships (array of predefined roles, such as pg_write_all_data), excess (array of rights such
-- as UPDATE on audit.audit_events, of a role that owns none)
WITH service AS (
    SELECT
        named.privileges,
        pg_class.oid,
        concat_ws('.', named.schema, named.name) AS name,
        pg_has_role(pg_class.relowner, 'MEMBER') AS is_owned
    FROM (
        VALUES
        (NULL, 'agent_runs', '{TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'runtime_events', '{UPDATE,TRUNCATE,REFERENCES,TRIGGER}'),
        ('os_core', 'devices', '{DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        ('os_core', 'sessions', '{DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        ('os_core', 'audio_runtime_heads', '{DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        ('os_core', 'audio_runtime_events', '{UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        ('audit', 'audit_events', '{UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        ('os_core', 'audio_runtime_current', '{TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'rate_limit_clients', '{TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'agent_run_counts', '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'agent_run_count_changes', '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'audio_runtime_verifications', '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'api_tokens', '{INSERT,DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'retention_passes', '{DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'runtime_events_pruned', '{DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, 'migration_checksums', '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'),
        (NULL, '_yoyo_migration', '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}')
    ) AS named (schema, name, privileges)
    -- By name: a role without USAGE on a schema may not look up regclass in it.
    INNER JOIN pg_class ON named.name = pg_class.relname
    INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
    WHERE
        pg_namespace.nspname = named.schema
        OR (named.schema IS NULL AND pg_table_is_visible(pg_class.oid))
)

SELECT
    current_user::text AS name,
    (
        SELECT bool_or(own.rolsuper) FROM pg_roles AS own
        WHERE pg_has_role(own.oid, 'MEMBER')
    ) AS is_superuser,
    array(
        SELECT concat_ws(' of ', power.name, nullif(own.rolname, current_user))
        FROM pg_roles AS own
        CROSS JOIN
            LATERAL (
                VALUES
                ('CREATEROLE', own.rolcreaterole),
                ('CREATEDB', own.rolcreatedb),
                ('REPLICATION', own.rolreplication)
            ) AS power (name, held)
        WHERE power.held AND pg_has_role(own.oid, 'MEMBER')
    ) AS powers,
    array(
        SELECT own.rolname::text FROM pg_roles AS own
        WHERE
            own.rolname ~ '^pg_(read_all|write_all|read_s|write_s|execute_s|maintain)'
            AND pg_has_role(own.oid, 'MEMBER')
    ) AS memberships,
    array(
        SELECT service.name FROM service
        WHERE service.is_owned
        ORDER BY service.name
    ) AS owned,
    array(
        SELECT it.privilege || ' on ' || service.name
        FROM service
        CROSS JOIN LATERAL unnest(service.privileges::text[]) AS it (privilege)
        WHERE
            NOT service.is_owned
            AND CASE
                WHEN it.privilege IN ('DELETE', 'TRUNCATE', 'TRIGGER')
                    THEN has_table_privilege(service.oid, it.privilege)
                ELSE has_any_column_privilege(service.oid, it.privilege)
            END
        UNION ALL
        SELECT 'UPDATE on ' || service.name
        FROM service
        WHERE
            NOT service.is_owned
            AND CASE
                WHEN service.name = 'api_tokens'
                    THEN has_column_privilege(service.oid, 'scopes', 'UPDATE')
            END
        UNION ALL
        SELECT 'CREATE on schema ' || pg_namespace.nspname
        FROM pg_namespace
        WHERE
            pg_namespace.nspname IN (current_schema(), 'os_core', 'audit')
            AND has_schema_privilege(pg_namespace.oid, 'CREATE')
        UNION ALL
        SELECT 'CREATE on database ' || current_database()
        WHERE has_database_privilege(current_database(), 'CREATE')
    ) AS excess;
