-- Describes the settings with which a transaction of the service runs, for the doctor.
-- params: none
-- index: none
-- locks: none
-- returns: one row: statement_timeout, time_zone, date_style, standard_conforming_strings,
-- transaction_isolation, enable_seqscan and jit
SELECT
    current_setting('statement_timeout') AS statement_timeout,
    current_setting('TimeZone') AS time_zone,
    current_setting('DateStyle') AS date_style,
    current_setting('standard_conforming_strings') AS standard_conforming_strings,
    current_setting('transaction_isolation') AS transaction_isolation,
    current_setting('enable_seqscan') AS enable_seqscan,
    current_setting('jit') AS jit;
