-- Finds the constraint that a killed partition command has left. It refuses events from its
-- boundary on, so it must not stay.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: one row: boundary (the condition; NULL: there is no such constraint)
SELECT max(pg_get_constraintdef(pg_constraint.oid)) AS boundary
FROM pg_constraint
WHERE
    pg_constraint.conrelid = to_regclass('runtime_events')
    AND pg_constraint.conname = 'runtime_events_boundary';
