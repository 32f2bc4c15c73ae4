-- Runs a statement and shows its plan with the times and the buffers of each step. The caller
-- rolls the transaction back, so no row changes; sequences advance all the same.
-- The last line only makes this file a whole statement: `python -m telemetry explain` puts the
-- text of a statement file in its place, and passes the parameters of that file.
-- params: none
-- index: none
-- locks: those of the statement, until the caller rolls back
-- returns: the plan as text, one row per line, and the settings that differ from the defaults
EXPLAIN (ANALYZE, BUFFERS, SETTINGS, FORMAT TEXT)
SELECT 'the statement';
