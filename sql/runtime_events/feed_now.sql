-- Gives the position of a follower that has seen every event: the highest number of each lane.
-- params: none
-- index: ix_runtime_events_lane_number, one entry of each lane
-- locks: none
-- returns: positions, an array of 64 feed numbers (lane * 10^17 + number), of lane 0 first
SELECT
    array(
        SELECT
            every_lane.lane * 100000000000000000 + coalesce(
                (
                    SELECT number FROM runtime_events
                    WHERE lane = every_lane.lane
                    ORDER BY lane DESC, number DESC
                    LIMIT 1
                ),
                0
            )
        FROM generate_series(0, 63) AS every_lane (lane)
        ORDER BY every_lane.lane
    ) AS positions;
