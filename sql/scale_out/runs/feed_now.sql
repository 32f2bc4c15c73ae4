-- Gives the position of a follower that has seen every change: the highest number of each lane.
-- params: none
-- index: ix_agent_runs_change_number, one entry of each lane
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- in doubt: refused where tables are distributed (scale_out/database/in_doubt.sql)
-- locks: none
-- returns: positions, an array of 64 change numbers, of lane 0 first
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
)

SELECT
    array(
        SELECT coalesce(newest.change_number, every_lane.lane * 100000000000000000)
        FROM generate_series(0, 63) AS every_lane (lane)
        LEFT JOIN newest ON every_lane.lane = newest.lane
        ORDER BY every_lane.lane
    ) AS positions;
