-- Prepares the rest of a transaction for verify.
-- Without bitmap scans, the rows of a device are read in index order, so that checking one takes
-- no sort, and no memory that grows with its history. The planner would not do so: it takes tenants
-- and devices for independent, and expects a few rows per pair.
-- Unqualified names are those of PostgreSQL, whatever the database or the role sets. Rows that a
-- policy would hide are an error.
-- params: none
-- index: none
-- locks: none
-- returns: the settings
SELECT
    set_config('search_path', 'pg_catalog', TRUE) AS search_path,
    set_config('row_security', 'off', TRUE) AS row_security,
    set_config('enable_bitmapscan', 'off', TRUE) AS enable_bitmapscan;
