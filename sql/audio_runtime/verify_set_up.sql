-- Prepares the rest of a transaction for verify.
-- Without bitmap scans, devices' rows are read in the order of their indexes: then checking a
-- device takes no sort, and no memory that grows with its history. The planner does not do so by
-- itself: it takes tenants and devices for independent, and expects a few rows of each pair.
-- Names that a statement leaves unqualified are those of PostgreSQL, whatever the database or the
-- role sets. Rows that a policy would hide are an error instead.
-- params: none
-- index: none
-- locks: none
-- returns: the settings that are now in force
SELECT
    set_config('search_path', 'pg_catalog', TRUE) AS search_path,
    set_config('row_security', 'off', TRUE) AS row_security,
    set_config('enable_bitmapscan', 'off', TRUE) AS enable_bitmapscan;
