-- Adds up the runtime events of a window by idea, the most expensive first. Events are weighted,
-- and ideas are named and sorted, as in sql/runtime_events/ideas_summary.sql: page and API agree.
-- params: recorded_from, recorded_until, source (NULL: any), row_limit
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at by source
-- locks: none
-- returns: idea_id (its first 500 characters), events, runtime_ms (in total), cost, ideas (how many
-- in all)
WITH recent AS (
    SELECT
        coalesce(nullif(event.idea_id, ''), 'unmapped') COLLATE "C" AS idea_id,
        weight.events,
        weight.total_ms,
        weight.total_cost
    FROM runtime_events AS event
    CROSS JOIN
        LATERAL runtime_event_weight(
            event.metadata, event.runtime_ms, event.runtime_cost_estimate
        ) AS weight
    WHERE
        event.recorded_at >= %(recorded_from)s::timestamptz
        AND event.recorded_at < %(recorded_until)s::timestamptz
        AND event.recorded_at <= now()
        AND (%(source)s::text IS NULL OR event.source = %(source)s)
),

counted AS (
    SELECT
        idea_id,
        sum(events) AS events,
        least(sum(total_ms), 1.7976931348623157e308) AS runtime_ms,
        least(sum(total_cost), 1.7976931348623157e308) AS cost
    FROM recent
    GROUP BY idea_id
)

SELECT
    left(counted.idea_id, 500) AS idea_id,
    counted.events::bigint AS events,
    counted.runtime_ms::double precision AS runtime_ms,
    counted.cost::double precision AS cost,
    count(*) OVER () AS ideas
FROM counted
ORDER BY round(counted.cost, 8)::double precision DESC, counted.idea_id ASC
LIMIT %(row_limit)s;
