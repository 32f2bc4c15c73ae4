-- Computes what is older than an age, by the clock of the database.
-- params: older_than (interval)
-- index: none
-- locks: none
-- returns: cutoff and started_at (now)
SELECT
    now() - %(older_than)s::interval AS cutoff,
    now() AS started_at;
