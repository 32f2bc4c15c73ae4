-- Prepares the rest of a transaction for verify.
-- Without bitmap scans, the rows of a device are read in index order, so that checking one takes
-- no sort, and no memory that grows with its history. The planner would not do so: it takes tenants
-- and devices for independent, and expects a few rows per pair.
-- Unqualified names are those of PostgreSQL, whatever the database or the role sets. Rows that a
-- policy may hide are an error. The policies of roles/reader.sql hide none, except from readers.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: the settings
SELECT
    set_config('search_path', 'pg_catalog', TRUE) AS search_path,
    set_config(
        'row_security',
        CASE WHEN bool_or(hiding.may_hide) THEN 'off' ELSE 'on' END,
        TRUE
    ) AS row_security,
    set_config('enable_bitmapscan', 'off', TRUE) AS enable_bitmapscan
FROM pg_catalog.pg_class AS guarded
CROSS JOIN
    LATERAL (
        SELECT
            row_security_active(guarded.oid)
            AND (
                NOT EXISTS (
                    SELECT FROM pg_catalog.pg_policy
                    WHERE
                        pg_policy.polrelid = guarded.oid
                        AND pg_policy.polname = 'telemetry_everyone'
                        AND pg_policy.polpermissive
                        AND pg_policy.polcmd = '*'
                        AND pg_policy.polroles = ARRAY[0::oid]
                        AND pg_get_expr(pg_policy.polqual, pg_policy.polrelid) = 'true'
                        AND pg_get_expr(pg_policy.polwithcheck, pg_policy.polrelid) = 'true'
                )
                OR EXISTS (
                    SELECT FROM pg_catalog.pg_policy
                    CROSS JOIN unnest(pg_policy.polroles) AS restricted (role_id)
                    WHERE
                        pg_policy.polrelid = guarded.oid
                        AND NOT pg_policy.polpermissive
                        AND (restricted.role_id = 0 OR pg_has_role(restricted.role_id, 'USAGE'))
                )
            ) AS may_hide
    ) AS hiding
WHERE
    guarded.relkind = 'r'
    AND guarded.relnamespace IN (
        SELECT pg_namespace.oid FROM pg_catalog.pg_namespace
        WHERE pg_namespace.nspname IN ('os_core', 'audit')
    );
