-- Sets for one transaction what connection options set for a session. Needed behind a transaction
-- pooler, which does not keep those options.
-- params: time_limit (of each statement, a duration such as 10s)
-- index: none
-- locks: none
-- returns: the new settings
SELECT
    set_config('statement_timeout', %(time_limit)s, TRUE) AS statement_timeout,
    set_config('TimeZone', 'UTC', TRUE) AS time_zone,
    set_config('DateStyle', 'ISO', TRUE) AS date_style,
    set_config('extra_float_digits', '1', TRUE) AS extra_float_digits,
    set_config('standard_conforming_strings', 'on', TRUE) AS standard_conforming_strings,
    set_config('enable_seqscan', 'off', TRUE) AS enable_seqscan,
    set_config('jit', 'off', TRUE) AS jit;
