-- Sets a transaction up as connection options do for a session: for connections behind a
-- transaction pooler, which can't carry them.
-- params: time_limit (of each statement, a duration such as 10s)
-- index: none
-- locks: none
-- returns: the settings that are now in force
SELECT
    set_config('statement_timeout', %(time_limit)s, TRUE) AS statement_timeout,
    set_config('TimeZone', 'UTC', TRUE) AS time_zone,
    set_config('DateStyle', 'ISO', TRUE) AS date_style,
    set_config('extra_float_digits', '1', TRUE) AS extra_float_digits,
    set_config('standard_conforming_strings', 'on', TRUE) AS standard_conforming_strings,
    set_config('enable_seqscan', 'off', TRUE) AS enable_seqscan,
    set_config('jit', 'off', TRUE) AS jit;
