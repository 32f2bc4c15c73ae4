-- Adds up the events of the last seconds by endpoint, the busiest first. An event that stands for
-- several counts as that many. Sums are numeric, so that they can't overflow, and are cut to the
-- largest double.
-- It counts first, and then sorts only the times of the endpoints on the page: by rank instead of
-- by name, which takes far longer to compare, and once for all percentiles. NOT MATERIALIZED reads
-- the events twice, which takes less time than to keep them. Only the endpoints with an event that
-- stands for several need the slower percentiles; without any, that part reads nothing. They lie
-- between the two nearest times, as those of percentile_cont. The place of a time is how many
-- events have it or a shorter one.
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
        runtime_ms::double precision AS runtime_ms,
        weight.events,
        weight.total_ms,
        weight.total_cost
    FROM runtime_events
    CROSS JOIN
        LATERAL runtime_event_weight(metadata, runtime_ms, runtime_cost_estimate) AS weight
    WHERE
        recorded_at BETWEEN now() - make_interval(secs => %(seconds)s) AND now()
        AND (%(source)s::text IS NULL OR source = %(source)s)
),

counted AS (
    SELECT
        endpoint,
        method,
        source,
        status_code,
        count(*) AS row_count,
        sum(events) AS events,
        sum(total_ms) AS total_ms,
        sum(total_cost) AS total_cost
    FROM recent
    GROUP BY endpoint, method, source, status_code
),

busiest AS (
    SELECT
        endpoint,
        row_number() OVER (ORDER BY sum(events) DESC, endpoint) AS rank,
        array_agg(DISTINCT method ORDER BY method) AS methods,
        sum(events) AS events,
        sum(events) > sum(row_count) AS is_weighted,
        coalesce(sum(events) FILTER (WHERE status_code >= 500), 0) AS error_count,
        sum(total_ms) AS total_ms,
        sum(total_cost) AS total_cost
    FROM counted
    GROUP BY endpoint
    ORDER BY rank
    LIMIT %(row_limit)s
),

parts AS (
    SELECT
        busiest.rank,
        counted.source,
        counted.status_code,
        sum(counted.events) AS events
    FROM counted
    INNER JOIN busiest ON counted.endpoint = busiest.endpoint
    GROUP BY
        GROUPING SETS ((busiest.rank, counted.source), (busiest.rank, counted.status_code))
),

divided AS (
    SELECT
        rank,
        json_object_agg(source, events ORDER BY source)
        FILTER (WHERE source IS NOT NULL) AS by_source,
        json_object_agg(status_code, events ORDER BY status_code)
        FILTER (WHERE status_code IS NOT NULL) AS status_counts
    FROM parts
    GROUP BY rank
),

placed AS (
    SELECT
        busiest.rank,
        busiest.events,
        recent.runtime_ms,
        sum(recent.events) OVER (
            PARTITION BY busiest.rank
            ORDER BY recent.runtime_ms
            ROWS UNBOUNDED PRECEDING
        ) AS place
    FROM recent
    INNER JOIN busiest ON recent.endpoint = busiest.endpoint
    WHERE
        busiest.is_weighted
        AND (SELECT bool_or(any_of.is_weighted) FROM busiest AS any_of)
),

nearest AS (
    SELECT
        placed.rank,
        wanted.place,
        min(placed.runtime_ms) FILTER (WHERE placed.place > floor(wanted.place)) AS below,
        min(placed.runtime_ms) FILTER (WHERE placed.place > ceil(wanted.place)) AS above
    FROM placed
    CROSS JOIN
        LATERAL (
            SELECT share * (placed.events - 1)::double precision AS place
            FROM unnest(ARRAY[0.5, 0.95, 0.99]::double precision[]) AS share
        ) AS wanted
    GROUP BY placed.rank, wanted.place
),

percentiles AS (
    SELECT
        busiest.rank,
        percentile_cont(ARRAY[0.5, 0.95, 0.99])
        WITHIN GROUP (ORDER BY recent.runtime_ms) AS ms
    FROM recent
    INNER JOIN busiest ON recent.endpoint = busiest.endpoint
    WHERE NOT busiest.is_weighted
    GROUP BY busiest.rank
    UNION ALL
    SELECT
        rank,
        array_agg(below + (above - below) * (place - floor(place)) ORDER BY place) AS ms
    FROM nearest
    GROUP BY rank
)

SELECT
    busiest.endpoint,
    busiest.methods,
    busiest.events AS event_count,
    busiest.error_count,
    least(busiest.total_ms, 1.7976931348623157e308) AS total_runtime_ms,
    busiest.total_ms / busiest.events AS average_runtime_ms,
    percentiles.ms[1] AS p50_ms,
    percentiles.ms[2] AS p95_ms,
    percentiles.ms[3] AS p99_ms,
    round(least(busiest.total_cost, 1.7976931348623157e308), 8) AS runtime_cost_estimate,
    divided.by_source,
    divided.status_counts
FROM busiest
INNER JOIN divided ON busiest.rank = divided.rank
INNER JOIN percentiles ON busiest.rank = percentiles.rank
ORDER BY busiest.rank;
