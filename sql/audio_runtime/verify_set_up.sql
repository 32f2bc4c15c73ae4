-- Makes the rest of a transaction read the rows of a device in index order, so that checking one
-- takes no sort, and no memory that grows with its history. The planner would not: it takes tenants
-- and devices for independent, and expects a few rows per pair.
-- params: none
-- index: none
-- locks: none
-- returns: the setting
SELECT set_config('enable_bitmapscan', 'off', TRUE) AS enable_bitmapscan;
