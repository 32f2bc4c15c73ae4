-- Ends a pass: as complete, or with the error that ended it.
-- params: kind, older_than (interval), deleted (by this pass), error (NULL: it is complete),
-- pause (interval before a web process may try again)
-- index: retention_passes_pkey
-- locks: the row of the kind
-- returns: nothing
UPDATE retention_passes AS pass SET
    deleted = %(deleted)s,
    leased_until = now() + %(pause)s::interval,
    finished_at = CASE WHEN %(error)s::text IS NULL THEN now() ELSE pass.finished_at END,
    finished_older_than = CASE
        WHEN %(error)s::text IS NULL THEN %(older_than)s::interval
        ELSE pass.finished_older_than
    END,
    failed_at = CASE WHEN %(error)s::text IS NOT NULL THEN now() END,
    error = %(error)s::text
WHERE pass.kind = %(kind)s;
