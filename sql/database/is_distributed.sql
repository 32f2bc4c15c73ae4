-- Reports whether tables of the service are distributed over several servers: Citus keeps a trigger
-- on each such table. Asked of a new connection that has no options to check.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: one row: is_distributed
SELECT
    (
        SELECT count(*) FROM pg_trigger
        WHERE tgfoid = to_regproc('pg_catalog.citus_truncate_trigger')
    ) > 0 AS is_distributed;
