-- Gives the position of a follower that has seen every event of a tenant: the highest number of
-- each lane.
-- params: tenant_id
-- index: ix_audio_runtime_events_tenant_feed, one entry of each lane
-- locks: none
-- returns: positions, an array of 64 feed numbers, of lane 0 first
SELECT
    array(
        SELECT
            coalesce(
                (
                    SELECT feed_number FROM os_core.audio_runtime_events
                    WHERE
                        tenant_id = %(tenant_id)s
                        AND feed_number > 0
                        AND feed_number > every_lane.lane * 100000000000000000
                        AND feed_number < (every_lane.lane + 1) * 100000000000000000
                    ORDER BY tenant_id DESC, feed_number DESC
                    LIMIT 1
                ),
                every_lane.lane * 100000000000000000
            )
        FROM generate_series(0, 63) AS every_lane (lane)
        ORDER BY every_lane.lane
    ) AS positions;
