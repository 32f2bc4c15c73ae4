-- Sums the events of the last seconds up by endpoint, busiest first. Counts first and sorts
-- the times of the endpoints on the page only, once for all percentiles. Sums are numeric,
-- which no number of events makes overflow, and are cut to what a double holds.
-- params: seconds, source (NULL: any), row_limit
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at
-- locks: none
-- returns: one row an endpoint
WITH recent AS MATERIALIZED (
    SELECT
        endpoint,
        method,
        source,
        status_code,
        runtime_ms,
        runtime_cost_estimate
    FROM runtime_events
    WHERE
        recorded_at >= now() - make_interval(secs => %(seconds)s)
        AND (%(source)s::text IS NULL OR source = %(source)s)
),

counted AS (
    SELECT
        endpoint,
        status_code,
        count(*) AS event_count
    FROM recent
    GROUP BY endpoint, status_code
),

busiest AS MATERIALIZED (
    SELECT
        endpoint,
        sum(event_count) AS event_count,
        coalesce(sum(event_count) FILTER (WHERE status_code >= 500), 0) AS error_count,
        json_object_agg(status_code, event_count ORDER BY status_code) AS status_counts
    FROM counted
    GROUP BY endpoint
    ORDER BY event_count DESC, endpoint COLLATE "C"
    LIMIT %(row_limit)s
),

measured AS (
    SELECT
        endpoint,
        array_agg(DISTINCT method COLLATE "C" ORDER BY method COLLATE "C") AS methods,
        sum(runtime_ms) AS total_runtime_ms,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY runtime_ms::double precision) AS p50_ms,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY runtime_ms::double precision) AS p95_ms,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY runtime_ms::double precision) AS p99_ms,
        sum(runtime_cost_estimate) AS runtime_cost_estimate,
        json_strip_nulls(
            json_build_object(
                'api', nullif(count(*) FILTER (WHERE source = 'api'), 0),
                'web', nullif(count(*) FILTER (WHERE source = 'web'), 0),
                'web_api', nullif(count(*) FILTER (WHERE source = 'web_api'), 0),
                'worker', nullif(count(*) FILTER (WHERE source = 'worker'), 0)
            )
        ) AS by_source
    FROM recent
    WHERE endpoint IN (SELECT busiest.endpoint FROM busiest)
    GROUP BY endpoint
)

SELECT
    busiest.endpoint,
    measured.methods,
    busiest.event_count,
    busiest.error_count,
    least(measured.total_runtime_ms, 1.7976931348623157e308) AS total_runtime_ms,
    measured.total_runtime_ms / busiest.event_count AS average_runtime_ms,
    measured.p50_ms,
    measured.p95_ms,
    measured.p99_ms,
    least(measured.runtime_cost_estimate, 1.7976931348623157e308) AS runtime_cost_estimate,
    measured.by_source,
    busiest.status_counts
FROM busiest
INNER JOIN measured ON busiest.endpoint = measured.endpoint
ORDER BY busiest.event_count DESC, busiest.endpoint COLLATE "C";
