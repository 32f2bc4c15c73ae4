-- Describes the server and how many connections it, the database and the role allow. Of the
-- server's, those that are kept for superusers do not count.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: one row: version (such as 140005), encoding, server_limit, database_limit and role_limit
-- (-1: none), in_use (connections of all clients)
SELECT
    current_setting('server_version_num')::integer AS version,
    current_setting('server_encoding') AS encoding,
    current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', TRUE), '0')::integer AS server_limit,
    (
        SELECT pg_database.datconnlimit FROM pg_database
        WHERE pg_database.datname = current_database()
    ) AS database_limit,
    (
        SELECT pg_roles.rolconnlimit FROM pg_roles
        WHERE pg_roles.rolname = current_user
    ) AS role_limit,
    (
        SELECT coalesce(sum(pg_stat_database.numbackends), 0)::integer FROM pg_stat_database
    ) AS in_use;
