-- Adds up the events of the last seconds by idea, the most expensive first; ideas that cost the
-- same, as doubles, are sorted by name. An event that stands for several counts as that many. Sums
-- are numeric, so that they can't overflow, and are cut to the largest double.
-- params: seconds, row_limit, row_offset
-- index: ix_runtime_events_recorded_at
-- locks: none
-- returns: one row for each idea; the events without an idea are those of "unmapped"
WITH recent AS (
    SELECT
        coalesce(nullif(event.idea_id, ''), 'unmapped') COLLATE "C" AS idea_id,
        event.source,
        weight.events,
        weight.total_ms,
        weight.total_cost
    FROM runtime_events AS event
    CROSS JOIN
        LATERAL runtime_event_weight(
            event.metadata, event.runtime_ms, event.runtime_cost_estimate
        ) AS weight
    WHERE event.recorded_at BETWEEN now() - make_interval(secs => %(seconds)s) AND now()
),

counted AS (
    SELECT
        idea_id,
        source,
        sum(events) AS events,
        sum(total_ms) AS total_ms,
        sum(total_cost) AS total_cost
    FROM recent
    GROUP BY idea_id, source
)

SELECT
    idea_id,
    sum(events) AS event_count,
    least(sum(total_ms), 1.7976931348623157e308) AS total_runtime_ms,
    sum(total_ms) / sum(events) AS average_runtime_ms,
    round(least(sum(total_cost), 1.7976931348623157e308), 8) AS runtime_cost_estimate,
    json_object_agg(source, events ORDER BY source) AS by_source
FROM counted
GROUP BY idea_id
ORDER BY
    round(least(sum(total_cost), 1.7976931348623157e308), 8)::double precision DESC,
    idea_id ASC
LIMIT %(row_limit)s OFFSET %(row_offset)s;
