-- Draws numbers that rows have already, so that no other row gets them. Unlike setval() it can't
-- set a sequence back that another connection has brought forward.
-- params: sequence (its name), how_many
-- index: none
-- locks: none
-- returns: drawn, how many
SELECT count(nextval(%(sequence)s::regclass)) AS drawn
FROM generate_series(1, %(how_many)s::bigint);
