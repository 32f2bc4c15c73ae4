-- Reports what distribute and undistribute need of this database and this role.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: one row: has_extension, is_superuser, role (the name of this role), is_partitioned
-- (whether runtime_events is), and is_unfinished (whether a command that partitions it, or takes
-- that back, has begun and not ended)
SELECT
    current_user::text AS role,
    to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS has_extension,
    (
        SELECT count(*) FROM pg_class
        WHERE pg_class.oid = to_regclass('runtime_events') AND pg_class.relkind = 'p'
    ) > 0 AS is_partitioned,
    (
        SELECT count(*) FROM pg_trigger
        WHERE
            pg_trigger.tgrelid = to_regclass('runtime_events')
            AND pg_trigger.tgname IN ('keep_runtime_event_id', 'mirror_runtime_event')
    ) > 0 AS is_unfinished,
    (
        SELECT pg_roles.rolsuper FROM pg_roles
        WHERE pg_roles.rolname = current_user
    ) AS is_superuser;
