-- Describes the role of this connection: whether it is a superuser, and which tables of the service
-- it owns itself or as a member of their owner. An owner can switch triggers off.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: one row: name, is_superuser, owned (array of tables)
SELECT
    current_user::text AS name,
    (
        SELECT pg_roles.rolsuper FROM pg_roles
        WHERE pg_roles.rolname = current_user
    ) AS is_superuser,
    array(
        SELECT pg_class.oid::regclass::text
        FROM (
            VALUES
            ('agent_runs'),
            ('runtime_events'),
            ('os_core.audio_runtime_events'),
            ('audit.audit_events')
        ) AS named (name)
        INNER JOIN pg_class ON to_regclass(named.name) = pg_class.oid
        WHERE pg_has_role(pg_class.relowner, 'MEMBER')
    ) AS owned;
