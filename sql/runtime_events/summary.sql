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

busiest AS (
    SELECT
        endpoint,
        count(*) AS event_count
    FROM recent
    GROUP BY endpoint
    ORDER BY event_count DESC, endpoint COLLATE "C"
    LIMIT %(row_limit)s
),

statuses AS (
    SELECT
        counted.endpoint,
        json_object_agg(
            counted.status_code, counted.event_count ORDER BY counted.status_code
        ) AS status_counts
    FROM (
        SELECT
            endpoint,
            status_code,
            count(*) AS event_count
        FROM recent
        GROUP BY endpoint, status_code
    ) AS counted
    GROUP BY counted.endpoint
)

SELECT
    recent.endpoint,
    array_agg(
        DISTINCT recent.method COLLATE "C" ORDER BY recent.method COLLATE "C"
    ) AS methods,
    count(*) AS event_count,
    count(*) FILTER (WHERE recent.status_code >= 500) AS error_count,
    least(sum(recent.runtime_ms), 1.7976931348623157e308) AS total_runtime_ms,
    sum(recent.runtime_ms) / count(*) AS average_runtime_ms,
    percentile_cont(0.5) WITHIN GROUP (
        ORDER BY recent.runtime_ms::double precision
    ) AS p50_ms,
    percentile_cont(0.95) WITHIN GROUP (
        ORDER BY recent.runtime_ms::double precision
    ) AS p95_ms,
    percentile_cont(0.99) WITHIN GROUP (
        ORDER BY recent.runtime_ms::double precision
    ) AS p99_ms,
    least(sum(recent.runtime_cost_estimate), 1.7976931348623157e308) AS runtime_cost_estimate,
    json_strip_nulls(
        json_build_object(
            'api', nullif(count(*) FILTER (WHERE recent.source = 'api'), 0),
            'web', nullif(count(*) FILTER (WHERE recent.source = 'web'), 0),
            'web_api', nullif(count(*) FILTER (WHERE recent.source = 'web_api'), 0),
            'worker', nullif(count(*) FILTER (WHERE recent.source = 'worker'), 0)
        )
    ) AS by_source,
    (
        SELECT statuses.status_counts FROM statuses
        WHERE statuses.endpoint = recent.endpoint
    ) AS status_counts
FROM recent
INNER JOIN busiest ON recent.endpoint = busiest.endpoint
GROUP BY recent.endpoint
ORDER BY event_count DESC, recent.endpoint COLLATE "C";
