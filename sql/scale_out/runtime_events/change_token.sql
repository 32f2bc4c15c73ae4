-- Returns a token that changes when a new event becomes visible: the highest number of each lane
-- (runtime_events/change_token.sql says why that is enough on one node). Where the events of a
-- transaction become visible on one worker after the other, its highest number may come first. So a
-- lane that is not settled (distribute/00_lanes.sql) has a mark, and the token changes once more
-- when it is. For a transaction that stores nothing the mark comes and goes as well.
-- params: none
-- index: ix_runtime_events_lane_number, one entry of each lane at any size;
-- runtime_events_pruned_pkey, likewise
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
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
),

settled AS MATERIALIZED (
    SELECT settled_lanes(7306, array_agg(newest.lane)) AS lanes FROM newest
)

SELECT
    left(
        encode(
            sha256(
                convert_to(
                    string_agg(
                        concat(
                            greatest(newest.number, pruned.number, 0),
                            CASE WHEN newest.lane <> all(settled.lanes) THEN '~' END
                        ),
                        ' ' ORDER BY every.lane
                    ),
                    'UTF8'
                )
            ),
            'hex'
        ),
        32
    ) AS token
FROM settled
CROSS JOIN generate_series(0, 63) AS every (lane)
LEFT JOIN newest ON every.lane = newest.lane
LEFT JOIN runtime_events_pruned AS pruned ON every.lane = pruned.lane;
