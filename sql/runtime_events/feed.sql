-- Lists the next events, for a follower that has seen each lane up to a position (change_token.sql
-- says why it misses none). First it finds the numbers in the index alone, then the events, a range
-- of each lane: all partitions of a partitioned table are searched once for each range.
-- params: positions (array of 64 feed numbers, of lane 0 first), row_limit
-- index: ix_runtime_events_lane_number
-- locks: none
-- returns: events and their feed_number, lane * 10^17 + number
WITH following AS MATERIALIZED (
    SELECT
        numbered.lane,
        numbered.number
    FROM unnest(%(positions)s::bigint[]) WITH ORDINALITY AS seen (position, ordinal)
    CROSS JOIN
        LATERAL (
            SELECT
                lane,
                number
            FROM runtime_events
            WHERE
                lane = seen.ordinal - 1
                AND number > mod(seen.position, 100000000000000000)
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
FROM (
    SELECT
        lane,
        min(number) AS first_number,
        max(number) AS last_number
    FROM following
    GROUP BY lane
) AS page
CROSS JOIN
    LATERAL (
        SELECT
            id,
            source,
            endpoint,
            raw_endpoint,
            method,
            status_code,
            runtime_ms,
            runtime_cost_estimate,
            idea_id,
            origin_idea_id,
            metadata,
            recorded_at,
            lane,
            number
        FROM runtime_events
        WHERE lane = page.lane AND number BETWEEN page.first_number AND page.last_number
    ) AS event
ORDER BY event.number;
