-- Describes the role of this connection: whether it owns tables of the service, and what it may do
-- that no statement of the service does. An owner can switch triggers off; so can a member of the
-- owner, and a superuser. What sql/roles/retention.sql grants is no excess.
-- A right on some columns counts.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: one row: name, is_superuser, owned (array of tables that the role owns or could own),
-- excess (array of rights such as UPDATE on audit.audit_events, and of attributes such as
-- CREATEROLE, of a role that owns none)
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
        SELECT pg_roles.rolsuper FROM pg_roles
        WHERE pg_roles.rolname = current_user
    ) AS is_superuser,
    array(
        SELECT service.name FROM service
        WHERE service.is_owned
        ORDER BY service.name
    ) AS owned,
    array(
        SELECT barred.privilege || ' on ' || service.name
        FROM service
        CROSS JOIN LATERAL unnest(service.privileges::text[]) AS barred (privilege)
        WHERE
            NOT service.is_owned
            AND CASE
                WHEN barred.privilege IN ('DELETE', 'TRUNCATE', 'TRIGGER')
                    THEN has_table_privilege(service.oid, barred.privilege)
                ELSE has_any_column_privilege(service.oid, barred.privilege)
            END
        UNION ALL
        -- It may write the last use of a token alone.
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
        -- Before PostgreSQL 16, CREATEROLE is enough to become a member of the owner.
        SELECT attribute.name
        FROM pg_roles
        CROSS JOIN
            LATERAL unnest(ARRAY[
                CASE WHEN pg_roles.rolcreaterole THEN 'CREATEROLE' END,
                CASE WHEN pg_roles.rolreplication THEN 'REPLICATION' END
            ]) AS attribute (name)
        WHERE pg_roles.rolname = current_user AND attribute.name IS NOT NULL
        UNION ALL
        SELECT 'CREATE on database ' || current_database()
        WHERE has_database_privilege(current_database(), 'CREATE')
    ) AS excess;
