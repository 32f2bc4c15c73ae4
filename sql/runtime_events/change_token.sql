-- Gives a token that changes when an event has become visible, and otherwise stays.
-- Numbers alone could not: they are drawn before the commit, so a lower one may become
-- visible after a higher one. Lanes make it right (migration 0005). Proof:
-- 1. A transaction draws the numbers of a lane while it holds the lane's lock, and PostgreSQL
--    releases locks only after the commit is visible to every later snapshot. So of two
--    transactions in one lane, the one with the lower numbers is visible first.
-- 2. Hence a snapshot that sees a number of a lane sees all lower ones that ever committed,
--    and the highest visible number of a lane names its visible events exactly.
-- 3. So a new visible event raises the highest number of its lane, and nothing else does: not
--    a rollback, which leaves a gap, nor a clock, nor other tables.
-- Writers share no row: each takes a free lane, and only the 65th at once waits. Deleting old
-- events can't hide a new one, whose number is higher than any there ever was.
-- params: none
-- index: ix_runtime_events_lane_number, one entry of each lane, at any size
-- locks: none
-- returns: token, 32 hex digits
SELECT
    left(
        encode(
            sha256(
                convert_to(
                    string_agg(coalesce(newest.number, 0)::text, ' ' ORDER BY every.lane),
                    'UTF8'
                )
            ),
            'hex'
        ),
        32
    ) AS token
FROM generate_series(0, 63) AS every (lane)
LEFT JOIN
    LATERAL (
        SELECT number FROM runtime_events
        WHERE runtime_events.lane = every.lane
        ORDER BY number DESC
        LIMIT 1
    ) AS newest
    ON TRUE;
