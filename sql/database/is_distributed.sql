-- Reports whether tables of the service are distributed over several servers.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: is_distributed
SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS is_distributed;
