-- Shows the plan of a statement without running it.
-- The last line only makes this file a whole statement: `python -m telemetry explain` puts the
-- text of a statement file in its place, and passes the parameters of that file.
-- params: none
-- index: none
-- locks: the tables of the statement, in the mode in which it uses them
-- returns: the plan as text, one row per line, and the settings that differ from the defaults
EXPLAIN (SETTINGS, FORMAT TEXT)
SELECT 'the statement';
