-- Sets for one transaction what connection options set for a session. Needed behind a transaction
-- pooler, which does not keep those options, nor end the connection of a client when distribute or
-- undistribute end that of the server. So it also reports whether the tables are distributed: then
-- the function shard_beside exists. To read pg_trigger, as is_distributed.sql does, takes three
-- times as long as all else here. To look for a trigger that does not exist waits, as there, for
-- the end of a step that ends all connections.
-- params: time_limit (of each statement, a duration such as 10s)
-- index: system catalogue
-- locks: none
-- returns: one row: the new settings, and is_distributed
SELECT
    set_config('statement_timeout', %(time_limit)s, TRUE) AS statement_timeout,
    set_config('TimeZone', 'UTC', TRUE) AS time_zone,
    set_config('DateStyle', 'ISO', TRUE) AS date_style,
    set_config('extra_float_digits', '1', TRUE) AS extra_float_digits,
    set_config('standard_conforming_strings', 'on', TRUE) AS standard_conforming_strings,
    set_config('enable_seqscan', 'off', TRUE) AS enable_seqscan,
    set_config('jit', 'off', TRUE) AS jit,
    CASE
        WHEN pg_get_triggerdef(0) IS NULL THEN to_regproc('shard_beside') IS NOT NULL
    END AS is_distributed;
