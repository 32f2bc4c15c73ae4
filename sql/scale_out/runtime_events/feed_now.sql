-- Gives the position of a follower that has seen every event: the highest number of each lane that
-- is settled (distribute/00_lanes.sql). Of the others the caller asks again.
-- params: none
-- index: ix_runtime_events_lane_number, one entry of each lane
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- locks: none
-- returns: positions, an array of 64 feed numbers (lane * 10^17 + number), of lane 0 first;
-- NULL: not settled
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
),

settled AS MATERIALIZED (
    SELECT settled_lanes(7306, array_agg(newest.lane)) AS lanes FROM newest
)

SELECT
    array(
        SELECT
            CASE
                WHEN newest.lane IS NULL THEN every_lane.lane * 100000000000000000
                WHEN newest.lane = any(settled.lanes)
                    THEN newest.lane * 100000000000000000 + newest.number
            END
        FROM settled
        CROSS JOIN generate_series(0, 63) AS every_lane (lane)
        LEFT JOIN newest ON every_lane.lane = newest.lane
        ORDER BY every_lane.lane
    ) AS positions;
