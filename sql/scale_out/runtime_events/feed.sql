-- Lists the next events, for a follower that has seen each lane up to a position. First it finds
-- the highest numbers, then the lanes that are settled up to them, then what follows in these; each
-- in a snapshot of its own (distribute/00_lanes.sql says why).
-- params: positions (array of 64 feed numbers, of lane 0 first), row_limit
-- index: ix_runtime_events_lane_number
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- locks: none
-- returns: events and their feed_number, lane * 10^17 + number
WITH visible AS MATERIALIZED (
    SELECT
        seen.position,
        seen.ordinal - 1 AS lane,
        max(newest.number) AS bound
    FROM unnest(%(positions)s::bigint[]) WITH ORDINALITY AS seen (position, ordinal)
    CROSS JOIN
        LATERAL (
            SELECT number FROM runtime_events
            WHERE
                lane = seen.ordinal - 1
                AND number > mod(seen.position, 100000000000000000)
            ORDER BY lane DESC, number DESC
            LIMIT 1
        ) AS newest
    GROUP BY seen.position, seen.ordinal
    ORDER BY seen.position, seen.ordinal
    LIMIT 64
),

settled AS MATERIALIZED (
    SELECT
        visible.position,
        visible.lane,
        visible.bound
    FROM visible
    WHERE
        visible.lane = any(
            (
                SELECT settled_lanes(7306, array_agg(newest.lane)) FROM visible AS newest
            )::bigint[]
        )
),

following AS MATERIALIZED (
    SELECT
        numbered.lane,
        numbered.number
    FROM settled
    CROSS JOIN
        LATERAL (
            SELECT
                lane,
                number
            FROM runtime_events
            WHERE
                lane = settled.lane
                AND number > mod(settled.position, 100000000000000000)
                AND number <= settled.bound
            ORDER BY lane, number
            LIMIT %(row_limit)s
        ) AS numbered
    ORDER BY numbered.number
    LIMIT %(row_limit)s
)

SELECT
    event.id,
    event.source,
    event.endpoint,
    event.raw_endpoint,
    event.method,
    event.status_code,
    event.runtime_ms,
    round(event.runtime_cost_estimate, 8) AS runtime_cost_estimate,
    event.idea_id,
    event.origin_idea_id,
    event.metadata,
    event.recorded_at,
    event.lane * 100000000000000000 + event.number AS feed_number
FROM following
INNER JOIN runtime_events AS event
    ON following.lane = event.lane AND following.number = event.number
ORDER BY event.number;
