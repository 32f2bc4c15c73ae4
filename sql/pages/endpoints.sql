-- Adds up the runtime events of a window by endpoint, those with the most errors first and the
-- slowest among equals. The collation C compares names by their bytes, which takes a fraction of
-- the time.
-- params: recorded_from, recorded_until, source (NULL: any), row_limit
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at by source
-- locks: none
-- returns: endpoint, events, errors, p50_ms, p95_ms, p99_ms, cost, endpoints (how many in all)
SELECT
    added.endpoint,
    added.events,
    added.errors,
    added.percentiles[1] AS p50_ms,
    added.percentiles[2] AS p95_ms,
    added.percentiles[3] AS p99_ms,
    least(added.cost, 1e300)::double precision AS cost,
    count(*) OVER () AS endpoints
FROM (
    SELECT
        endpoint COLLATE "C" AS endpoint,
        count(*) AS events,
        count(*) FILTER (WHERE status_code >= 500) AS errors,
        percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
            ORDER BY runtime_ms::double precision
        ) AS percentiles,
        sum(runtime_cost_estimate) AS cost
    FROM runtime_events
    WHERE
        recorded_at >= %(recorded_from)s::timestamptz
        AND recorded_at < %(recorded_until)s::timestamptz
        AND (%(source)s::text IS NULL OR source = %(source)s)
    GROUP BY runtime_events.endpoint COLLATE "C"
) AS added
ORDER BY added.errors DESC, p95_ms DESC, added.endpoint ASC
LIMIT %(row_limit)s;
