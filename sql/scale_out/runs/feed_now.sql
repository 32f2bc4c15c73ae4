-- Gives the position of a follower that has seen every change: the highest number of each lane that
-- is settled (distribute/00_lanes.sql). Of the others the caller asks again.
-- params: none
-- index: ix_agent_runs_change_number, one entry of each lane
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- locks: none
-- returns: positions, an array of 64 change numbers, of lane 0 first; NULL: not settled
WITH newest AS MATERIALIZED (
    SELECT
        every_lane.lane,
        max(change.change_number) AS change_number
    FROM generate_series(0, 63) AS every_lane (lane)
    CROSS JOIN
        LATERAL (
            SELECT change_number FROM agent_runs
            WHERE
                change_number > 0
                AND change_number > every_lane.lane * 100000000000000000
                AND change_number < (every_lane.lane + 1) * 100000000000000000
            ORDER BY change_number DESC
            LIMIT 1
        ) AS change
    GROUP BY every_lane.lane
    ORDER BY every_lane.lane
    LIMIT 64
),

settled AS MATERIALIZED (
    SELECT settled_lanes(7308, array_agg(newest.lane)) AS lanes FROM newest
)

SELECT
    array(
        SELECT
            CASE
                WHEN newest.lane IS NULL THEN every_lane.lane * 100000000000000000
                WHEN newest.lane = any(settled.lanes) THEN newest.change_number
            END
        FROM settled
        CROSS JOIN generate_series(0, 63) AS every_lane (lane)
        LEFT JOIN newest ON every_lane.lane = newest.lane
        ORDER BY every_lane.lane
    ) AS positions;
