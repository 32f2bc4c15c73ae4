-- Gives the position of a follower that has seen every change: the highest number of each lane.
-- params: none
-- index: ix_agent_runs_change_number, one entry of each lane
-- locks: none
-- returns: positions, an array of 64 change numbers, of lane 0 first
SELECT
    array(
        SELECT
            coalesce(
                (
                    SELECT change_number FROM agent_runs
                    WHERE
                        change_number > 0
                        AND change_number > every_lane.lane * 100000000000000000
                        AND change_number < (every_lane.lane + 1) * 100000000000000000
                    ORDER BY change_number DESC
                    LIMIT 1
                ),
                every_lane.lane * 100000000000000000
            )
        FROM generate_series(0, 63) AS every_lane (lane)
        ORDER BY every_lane.lane
    ) AS positions;
