-- Reads what retention did to one table. Late: no complete pass for a day and a half, or only one
-- in the future, by a clock that was put back since.
-- params: kind
-- index: retention_passes_pkey
-- locks: none
-- returns: the pass, and whether it runs or is late; no row: there was no pass
SELECT
    pass.kind,
    extract(EPOCH FROM pass.older_than)::double precision AS older_than_seconds,
    pass.started_at,
    pass.deleted,
    pass.deleted_total,
    pass.finished_at,
    extract(EPOCH FROM pass.finished_at)::double precision AS finished_timestamp,
    pass.failed_at,
    pass.error,
    pass.leased_until > now()
    AND pass.started_at > coalesce(pass.finished_at, '-infinity')
    AND pass.started_at > coalesce(pass.failed_at, '-infinity') AS is_running,
    coalesce(pass.finished_at, pass.first_started_at)
    NOT BETWEEN now() - interval '36 hours' AND now() + interval '1 hour' AS is_late
FROM retention_passes AS pass
WHERE pass.kind = %(kind)s;
