-- Gives the position of a follower that has seen every event of a tenant: the highest number of
-- each lane that is settled (distribute/00_lanes.sql). Of the others the caller asks again.
-- params: tenant_id
-- index: ix_audio_runtime_events_tenant_feed, one entry of each lane
-- locks: none
-- returns: positions, an array of 64 feed numbers, of lane 0 first; NULL: not settled
WITH newest AS MATERIALIZED (
    SELECT
        every_lane.lane,
        event.feed_number
    FROM generate_series(0, 63) AS every_lane (lane)
    CROSS JOIN
        LATERAL (
            SELECT feed_number FROM os_core.audio_runtime_events
            WHERE
                tenant_id = %(tenant_id)s
                AND feed_number > 0
                AND feed_number > every_lane.lane * 100000000000000000
                AND feed_number < (every_lane.lane + 1) * 100000000000000000
            ORDER BY tenant_id DESC, feed_number DESC
            LIMIT 1
        ) AS event
),

settled AS MATERIALIZED (
    SELECT settled_lanes(7309, array_agg(newest.lane)) AS lanes FROM newest
)

SELECT
    array(
        SELECT
            CASE
                WHEN newest.lane IS NULL THEN every_lane.lane * 100000000000000000
                WHEN newest.lane = any(settled.lanes) THEN newest.feed_number
            END
        FROM settled
        CROSS JOIN generate_series(0, 63) AS every_lane (lane)
        LEFT JOIN newest ON every_lane.lane = newest.lane
        ORDER BY every_lane.lane
    ) AS positions;
