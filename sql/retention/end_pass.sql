-- Ends a pass: as complete, or with the error that ended it. One that was stopped is neither.
-- params: kind, older_than (interval), deleted (by this pass), is_complete, error (NULL: none),
-- pause (interval before a web process may try again)
-- index: retention_passes_pkey
-- locks: the row of the kind
-- returns: nothing
UPDATE retention_passes AS pass SET
    deleted = %(deleted)s,
    leased_until = now() + %(pause)s::interval,
    finished_at = CASE WHEN %(is_complete)s THEN now() ELSE pass.finished_at END,
    finished_older_than = CASE
        WHEN %(is_complete)s THEN %(older_than)s::interval
        ELSE pass.finished_older_than
    END,
    failed_at = CASE
        WHEN %(error)s::text IS NOT NULL THEN now()
        WHEN NOT %(is_complete)s THEN pass.failed_at
    END,
    error = CASE WHEN %(is_complete)s THEN NULL ELSE coalesce(%(error)s::text, pass.error) END
WHERE pass.kind = %(kind)s;
