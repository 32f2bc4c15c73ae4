-- Lets a LIMIT within a statement hold for each shard, or no longer.
-- params: state (on, off)
-- index: none
-- locks: none
-- returns: the setting that is now in force
SELECT set_config('citus.subquery_pushdown', %(state)s, FALSE) AS limits_per_shard;
