-- Adds up the events of the last seconds by endpoint, the busiest first. It counts first, and then
-- sorts only the times of the endpoints on the page: by rank instead of by name, which takes far
-- longer to compare, and once for all percentiles. NOT MATERIALIZED reads the events twice, which
-- takes less time than to keep them. Sums are numeric, so that they can't overflow, and are cut to
-- the largest double.
-- params: seconds, source (NULL: any), row_limit
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at
-- locks: none
-- returns: one row for each endpoint
WITH recent AS NOT MATERIALIZED (
    SELECT
        endpoint COLLATE "C" AS endpoint,
        method COLLATE "C" AS method,
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
        row_number() OVER (ORDER BY sum(event_count) DESC, endpoint) AS rank,
        coalesce(sum(event_count) FILTER (WHERE status_code >= 500), 0) AS error_count,
        json_object_agg(status_code, event_count ORDER BY status_code) AS status_counts
    FROM counted
    GROUP BY endpoint
    ORDER BY rank
    LIMIT %(row_limit)s
),

measured AS (
    SELECT
        busiest.rank,
        array_agg(DISTINCT recent.method ORDER BY recent.method) AS methods,
        sum(recent.runtime_ms) AS total_runtime_ms,
        percentile_cont(ARRAY[0.5, 0.95, 0.99])
        WITHIN GROUP (ORDER BY recent.runtime_ms::double precision) AS percentiles,
        sum(recent.runtime_cost_estimate) AS runtime_cost_estimate,
        json_strip_nulls(
            json_build_object(
                'api', nullif(count(*) FILTER (WHERE recent.source = 'api'), 0),
                'web', nullif(count(*) FILTER (WHERE recent.source = 'web'), 0),
                'web_api', nullif(count(*) FILTER (WHERE recent.source = 'web_api'), 0),
                'worker', nullif(count(*) FILTER (WHERE recent.source = 'worker'), 0)
            )
        ) AS by_source
    FROM recent
    INNER JOIN busiest ON recent.endpoint = busiest.endpoint
    GROUP BY busiest.rank
)

SELECT
    busiest.endpoint,
    measured.methods,
    busiest.event_count,
    busiest.error_count,
    least(measured.total_runtime_ms, 1.7976931348623157e308) AS total_runtime_ms,
    measured.total_runtime_ms / busiest.event_count AS average_runtime_ms,
    measured.percentiles[1] AS p50_ms,
    measured.percentiles[2] AS p95_ms,
    measured.percentiles[3] AS p99_ms,
    least(measured.runtime_cost_estimate, 1.7976931348623157e308) AS runtime_cost_estimate,
    measured.by_source,
    busiest.status_counts
FROM busiest
INNER JOIN measured ON busiest.rank = measured.rank
ORDER BY busiest.rank;
