-- Begins a pass of retention. A web process begins one only when it is due and no other process
-- has begun it: the advisory lock keeps out those that try at the same moment, and the lease those
-- that come later. A command begins one in any case. A time in the future is from before the clock
-- of the database was put back, and keeps nobody out.
-- params: kind, older_than (interval), lease (interval), lock_key, is_command
-- index: retention_passes_pkey
-- locks: advisory lock 7310 unless another transaction has it; the row of the kind
-- returns: cutoff (older rows are deleted) and started_at; no row: not due, or of another process
INSERT INTO retention_passes AS pass (kind, older_than, started_at, leased_until)
SELECT
    %(kind)s,
    %(older_than)s::interval,
    now(),
    now() + %(lease)s::interval
WHERE %(is_command)s OR pg_try_advisory_xact_lock(7310, %(lock_key)s)
ON CONFLICT (kind) DO UPDATE
    SET
        older_than = excluded.older_than,
        started_at = excluded.started_at,
        leased_until = excluded.leased_until,
        deleted = 0
    WHERE
    %(is_command)s
    OR (
        pass.leased_until NOT BETWEEN now() AND now() + interval '1 hour'
        AND (
            pass.finished_at IS NULL
            OR pass.finished_at NOT BETWEEN now() - interval '24 hours' AND now()
            OR pass.finished_older_than > excluded.older_than
        )
    )
RETURNING
    now() - pass.older_than AS cutoff,
    now() AS started_at;
