-- Adds a batch to what the pass has deleted, in the transaction that deletes, and moves the lease.
-- params: kind, deleted, lease (interval)
-- index: retention_passes_pkey
-- locks: the row of the kind
-- returns: nothing
UPDATE retention_passes AS pass SET
    deleted = pass.deleted + %(deleted)s,
    deleted_total = pass.deleted_total + %(deleted)s,
    leased_until = now() + %(lease)s::interval
WHERE pass.kind = %(kind)s;
