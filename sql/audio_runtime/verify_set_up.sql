-- Has the rest of a transaction read devices' rows in the order of their indexes: then checking
-- a device takes no sort, and no memory that grows with its history. The planner does not do so
-- by itself: it takes tenants and devices for independent, and expects a few rows of each pair.
-- params: none
-- index: none
-- locks: none
-- returns: the setting that is now in force
SELECT set_config('enable_bitmapscan', 'off', TRUE) AS enable_bitmapscan;
