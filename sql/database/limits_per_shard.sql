-- Makes the LIMITs of subqueries hold per shard, or in all. A session setting, since a statement
-- may be a transaction of its own.
-- params: state (on, off)
-- index: none
-- locks: none
-- returns: the new setting
SELECT set_config('citus.subquery_pushdown', %(state)s, FALSE) AS limits_per_shard;
