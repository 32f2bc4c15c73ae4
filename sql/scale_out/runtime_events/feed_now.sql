-- Gives the position of a follower that has seen every event: the highest number of each lane.
-- params: none
-- index: ix_runtime_events_lane_number, one entry of each lane
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- in doubt: refused where tables are distributed (scale_out/database/in_doubt.sql)
-- locks: none
-- returns: positions, an array of 64 feed numbers (lane * 10^17 + number), of lane 0 first
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
    array(
        SELECT every_lane.lane * 100000000000000000 + coalesce(newest.number, 0)
        FROM generate_series(0, 63) AS every_lane (lane)
        LEFT JOIN newest ON every_lane.lane = newest.lane
        ORDER BY every_lane.lane
    ) AS positions;
