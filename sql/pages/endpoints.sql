-- Adds up the runtime events of a window by endpoint, those with the most errors first and the
-- slowest among equals. Events are weighted, and percentiles are those of events that stand for one
-- each, as in sql/runtime_events/summary.sql, which explains how it finds them: page and API agree.
-- It counts first, and then sorts only the times of the endpoints that can be on the page: those
-- with as many errors as the last one on it. The collation C compares names by their bytes, which
-- takes a fraction of the time.
-- params: recorded_from, recorded_until, source (NULL: any), row_limit
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at by source
-- locks: none
-- returns: endpoint, events, errors, p50_ms, p95_ms, p99_ms, cost, endpoints (how many in all)
WITH recent AS NOT MATERIALIZED (
    SELECT
        endpoint COLLATE "C" AS endpoint,
        status_code,
        runtime_ms::double precision AS runtime_ms,
        weight.events,
        weight.total_cost
    FROM runtime_events
    CROSS JOIN
        LATERAL runtime_event_weight(metadata, runtime_ms, runtime_cost_estimate) AS weight
    WHERE
        recorded_at >= %(recorded_from)s::timestamptz
        AND recorded_at < %(recorded_until)s::timestamptz
        AND recorded_at <= now()
        AND (%(source)s::text IS NULL OR source = %(source)s)
),

counted AS (
    SELECT
        endpoint,
        sum(events) AS events,
        sum(events) > count(*) AS is_weighted,
        coalesce(sum(events) FILTER (WHERE status_code >= 500), 0) AS errors,
        sum(total_cost) AS cost
    FROM recent
    GROUP BY endpoint
),

ranked AS (
    SELECT
        endpoint,
        events,
        is_weighted,
        errors,
        cost,
        row_number() OVER (ORDER BY errors DESC) AS number,
        rank() OVER (ORDER BY errors DESC) AS place,
        count(*) OVER () AS endpoints
    FROM counted
),

candidate AS (
    SELECT
        endpoint,
        events,
        is_weighted,
        errors,
        cost,
        number,
        endpoints
    FROM ranked
    WHERE place <= %(row_limit)s
),

placed AS (
    SELECT
        candidate.number,
        candidate.events,
        recent.runtime_ms,
        sum(recent.events) OVER (
            PARTITION BY candidate.number
            ORDER BY recent.runtime_ms
            ROWS UNBOUNDED PRECEDING
        ) AS place
    FROM recent
    INNER JOIN candidate ON recent.endpoint = candidate.endpoint
    WHERE
        candidate.is_weighted
        AND (SELECT bool_or(any_of.is_weighted) FROM candidate AS any_of)
),

nearest AS (
    SELECT
        placed.number,
        wanted.place,
        min(placed.runtime_ms) FILTER (WHERE placed.place > floor(wanted.place)) AS below,
        min(placed.runtime_ms) FILTER (WHERE placed.place > ceil(wanted.place)) AS above
    FROM placed
    CROSS JOIN
        LATERAL (
            SELECT share * (placed.events - 1)::double precision AS place
            FROM unnest(ARRAY[0.5, 0.95, 0.99]::double precision[]) AS share
        ) AS wanted
    GROUP BY placed.number, wanted.place
),

percentiles AS (
    SELECT
        candidate.number,
        percentile_cont(ARRAY[0.5, 0.95, 0.99])
        WITHIN GROUP (ORDER BY recent.runtime_ms) AS ms
    FROM recent
    INNER JOIN candidate ON recent.endpoint = candidate.endpoint
    WHERE NOT candidate.is_weighted
    GROUP BY candidate.number
    UNION ALL
    SELECT
        number,
        array_agg(below + (above - below) * (place - floor(place)) ORDER BY place) AS ms
    FROM nearest
    GROUP BY number
)

SELECT
    candidate.endpoint,
    candidate.events::bigint AS events,
    candidate.errors::bigint AS errors,
    percentiles.ms[1] AS p50_ms,
    percentiles.ms[2] AS p95_ms,
    percentiles.ms[3] AS p99_ms,
    least(candidate.cost, 1.7976931348623157e308)::double precision AS cost,
    candidate.endpoints
FROM candidate
INNER JOIN percentiles ON candidate.number = percentiles.number
ORDER BY candidate.errors DESC, percentiles.ms[2] DESC, candidate.endpoint ASC
LIMIT %(row_limit)s;
