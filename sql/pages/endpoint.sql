-- Adds up the events of one endpoint in a window.
-- params: endpoint, recorded_from, recorded_until, source (NULL: any)
-- index: ix_runtime_events_endpoint_recorded_at
-- locks: none
-- returns: one row: events, errors, p50_ms, p95_ms, p99_ms, cost, last_at (NULL: no event)
SELECT
    count(*) AS events,
    count(*) FILTER (WHERE status_code >= 500) AS errors,
    percentile_disc(0.5) WITHIN GROUP (
        ORDER BY runtime_ms::double precision
    ) AS p50_ms,
    percentile_disc(0.95) WITHIN GROUP (
        ORDER BY runtime_ms::double precision
    ) AS p95_ms,
    percentile_disc(0.99) WITHIN GROUP (
        ORDER BY runtime_ms::double precision
    ) AS p99_ms,
    least(sum(runtime_cost_estimate), 1e300)::double precision AS cost,
    max(recorded_at) AS last_at
FROM runtime_events
WHERE
    left(endpoint, 500) COLLATE "C" = left(%(endpoint)s::text, 500)
    AND endpoint = %(endpoint)s
    AND recorded_at >= %(recorded_from)s::timestamptz
    AND recorded_at < %(recorded_until)s::timestamptz
    AND (%(source)s::text IS NULL OR source = %(source)s);
