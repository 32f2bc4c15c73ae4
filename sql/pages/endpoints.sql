-- Adds up the runtime events of a window by endpoint, those with the most errors first and the
-- slowest among equals. Percentiles come from counts of equal times, rounded to three digits: to
-- count can use several processes and to sort every time can't.
-- params: recorded_from, recorded_until, source (NULL: any), row_limit
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at by source
-- locks: none
-- returns: endpoint, events, errors, p50_ms, p95_ms, p99_ms, cost, endpoints (how many in all)
WITH counted AS (
    SELECT
        endpoint COLLATE "C" AS path,
        CASE
            WHEN runtime_ms < 10 THEN round(runtime_ms::double precision * 100) / 100
            WHEN runtime_ms < 100 THEN round(runtime_ms::double precision * 10) / 10
            WHEN runtime_ms < 1000 THEN round(runtime_ms::double precision)
            WHEN runtime_ms < 10000 THEN round(runtime_ms::double precision / 10) * 10
            WHEN runtime_ms < 100000 THEN round(runtime_ms::double precision / 100) * 100
            ELSE round(least(runtime_ms, 1e15)::double precision / 1000) * 1000
        END AS ms,
        count(*) AS events,
        count(*) FILTER (WHERE status_code >= 500) AS errors,
        sum(runtime_cost_estimate) AS cost
    FROM runtime_events
    WHERE
        recorded_at >= %(recorded_from)s::timestamptz
        AND recorded_at < %(recorded_until)s::timestamptz
        AND (%(source)s::text IS NULL OR source = %(source)s)
    GROUP BY path, ms
),

cumulative AS (
    SELECT
        path,
        ms,
        events,
        errors,
        cost,
        sum(events) OVER (PARTITION BY path ORDER BY ms) AS up_to,
        sum(events) OVER (PARTITION BY path) AS total
    FROM counted
)

SELECT
    path AS endpoint,
    sum(events)::bigint AS events,
    sum(errors)::bigint AS errors,
    min(ms) FILTER (WHERE up_to >= 0.5 * total) AS p50_ms,
    min(ms) FILTER (WHERE up_to >= 0.95 * total) AS p95_ms,
    min(ms) FILTER (WHERE up_to >= 0.99 * total) AS p99_ms,
    least(sum(cost), 1e300)::double precision AS cost,
    count(*) OVER () AS endpoints
FROM cumulative
GROUP BY path
ORDER BY errors DESC, p95_ms DESC, path ASC
LIMIT %(row_limit)s;
