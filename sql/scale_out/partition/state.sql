-- Describes how far runtime_events is on its way to a partitioned table, or back.
-- params: none
-- index: system catalogue; ix_runtime_events_recorded_at
-- locks: none
-- returns: one row: is_partitioned, may_change (the role can act as the owner), rows (an estimate),
-- bytes (of the table and its indexes), has_ids (the table of keys exists), is_kept (new events
-- have a key), has_index (the new primary key can be made of it), has_check (no event from the
-- boundary on is accepted), is_undone (a plain copy is being made), boundary (of the first
-- partition) and later (events recorded from there on, 1000 at most)
SELECT
    pg_class.relkind = 'p' AS is_partitioned,
    pg_has_role(pg_class.relowner, 'MEMBER') AS may_change,
    sized.rows,
    sized.bytes,
    to_regclass('runtime_event_ids') IS NOT NULL AS has_ids,
    (
        SELECT count(*) FROM pg_trigger
        WHERE
            pg_trigger.tgrelid = pg_class.oid AND pg_trigger.tgname = 'keep_runtime_event_id'
    ) > 0 AS is_kept,
    (
        SELECT count(*) FROM pg_index
        WHERE
            pg_index.indexrelid = to_regclass('runtime_events_id_recorded_at')
            AND pg_index.indisvalid
    ) > 0 AS has_index,
    (
        SELECT count(*) FROM pg_constraint
        WHERE
            pg_constraint.conrelid = pg_class.oid
            AND pg_constraint.conname = 'runtime_events_boundary'
    ) > 0 AS has_check,
    to_regclass('runtime_events_plain') IS NOT NULL AS is_undone,
    first.boundary,
    (
        SELECT count(*) FROM (
            SELECT recorded_at FROM runtime_events
            WHERE recorded_at >= first.boundary
            ORDER BY recorded_at
            LIMIT 1000
        ) AS found
    ) AS later
FROM pg_class
CROSS JOIN (
    SELECT
        (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '4 days')
        AT TIME ZONE 'UTC' AS boundary
) AS first
CROSS JOIN
    LATERAL (
        SELECT
            greatest(sum(part.reltuples), 0)::bigint AS rows,
            sum(pg_total_relation_size(part.oid))::bigint AS bytes
        FROM pg_class AS part
        WHERE
            part.oid = pg_class.oid
            OR part.oid IN (
                SELECT pg_inherits.inhrelid FROM pg_inherits
                WHERE pg_inherits.inhparent = pg_class.oid
            )
    ) AS sized
WHERE pg_class.oid = to_regclass('runtime_events');
