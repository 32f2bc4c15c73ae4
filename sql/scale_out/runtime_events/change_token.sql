-- Returns a token that changes when, and only when, a new event becomes visible.
-- The number of the newest event would not do: numbers are drawn before the commit, so a lower
-- number can become visible after a higher one. Lanes solve this (column lane). Proof:
-- 1. A transaction draws numbers of a lane while it holds the lane's lock, and PostgreSQL releases
--    locks only after the commit is visible to every later snapshot. So of two transactions in
--    one lane, the one with the lower numbers becomes visible first.
-- 2. Hence a snapshot that sees a number of a lane sees all lower committed ones, and the highest
--    visible number of a lane determines which of its events are visible.
-- 3. So a new visible event raises the highest number of its lane, and nothing else does: neither
--    a rollback, which leaves a gap, nor a clock, nor other tables.
-- Writers share no row: each takes a free lane, so only the 65th at the same time waits. Deleting
-- old events can't hide a new one, whose number is higher than any before it. Retention leaves the
-- highest number that it deletes from a lane in runtime_events_pruned, in the same transaction, so
-- the token stays the same even when it deletes the newest event of a lane.
-- params: none
-- index: ix_runtime_events_lane_number, one entry of each lane at any size;
-- runtime_events_pruned_pkey, likewise
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- in doubt: refused where tables are distributed (scale_out/database/in_doubt.sql)
-- locks: none
-- returns: token, 32 hex digits
WITH newest AS MATERIALIZED (
    SELECT
        every_lane.lane,
        max(event.number) AS number
    FROM generate_series(0, 63) AS every_lane (lane)
    CROSS JOIN
        LATERAL (
            SELECT number FROM runtime_events
            WHERE runtime_events.lane = every_lane.lane
            ORDER BY runtime_events.lane DESC, number DESC
            LIMIT 1
        ) AS event
    GROUP BY every_lane.lane
    ORDER BY every_lane.lane
    LIMIT 64
)

SELECT
    left(
        encode(
            sha256(
                convert_to(
                    string_agg(
                        greatest(newest.number, pruned.number, 0)::text, ' ' ORDER BY every.lane
                    ),
                    'UTF8'
                )
            ),
            'hex'
        ),
        32
    ) AS token
FROM generate_series(0, 63) AS every (lane)
LEFT JOIN newest ON every.lane = newest.lane
LEFT JOIN runtime_events_pruned AS pruned ON every.lane = pruned.lane;
