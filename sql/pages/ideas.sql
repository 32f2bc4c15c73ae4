-- Adds up the runtime events of a window by idea, the most expensive first. Events without an idea
-- are one row, with the name that the API gives it.
-- params: recorded_from, recorded_until, source (NULL: any), row_limit
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at by source
-- locks: none
-- returns: idea_id, events, runtime_ms (in total), cost, ideas (how many in all)
SELECT
    coalesce(left(idea_id, 200), 'unmapped') AS idea_id,
    count(*) AS events,
    least(sum(runtime_ms), 1e300)::double precision AS runtime_ms,
    least(sum(runtime_cost_estimate), 1e300)::double precision AS cost,
    count(*) OVER () AS ideas
FROM runtime_events
WHERE
    recorded_at >= %(recorded_from)s::timestamptz
    AND recorded_at < %(recorded_until)s::timestamptz
    AND (%(source)s::text IS NULL OR source = %(source)s)
GROUP BY coalesce(left(idea_id, 200), 'unmapped')
ORDER BY cost DESC, idea_id ASC
LIMIT %(row_limit)s;
