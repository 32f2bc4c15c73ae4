-- Adds up the runtime events of a window by endpoint, and sorts all endpoints by any figure: a page
-- of them, and the slowest. Events are weighted, and percentiles are those of events that stand for
-- one each, as in sql/runtime_events/summary.sql, which explains how it finds them: page and API
-- agree. Only where an endpoint has an event that stands for several, it reads the window again.
-- It gathers the times in arrays: 8 bytes for each event, and up to twice as much while they grow.
-- Sorting all of them by endpoint takes half as much time again. The collation C compares names by
-- their bytes, which takes a fraction of the time.
-- params: recorded_from, recorded_until, source, endpoint_prefix, idea_id (NULL: any; 'unmapped':
-- none), sort (errors, rate, events, p50, p95, p99, cost: the largest first; endpoint), row_offset,
-- row_limit, slow_limit (how many of the slowest are returned too)
-- index: ix_runtime_events_recorded_at, or ix_runtime_events_source_recorded_at by source
-- locks: none
-- returns: endpoint, events, errors, p50_ms, p95_ms, p99_ms, cost, place (among those sorted, from
-- 1), slow_place (by p95), endpoints (how many in all)
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
        AND (
            %(endpoint_prefix)s::text IS NULL OR starts_with(endpoint, %(endpoint_prefix)s)
        )
        AND (
            %(idea_id)s::text IS NULL
            OR coalesce(nullif(idea_id, ''), 'unmapped') = %(idea_id)s
        )
),

counted AS (
    SELECT
        endpoint,
        sum(events) AS events,
        sum(events) > count(*) AS is_weighted,
        coalesce(sum(events) FILTER (WHERE status_code >= 500), 0) AS errors,
        sum(total_cost) AS cost,
        array_agg(runtime_ms) AS times
    FROM recent
    GROUP BY endpoint
),

placed AS (
    SELECT
        counted.endpoint,
        counted.events,
        recent.runtime_ms,
        sum(recent.events) OVER (
            PARTITION BY counted.endpoint
            ORDER BY recent.runtime_ms
            ROWS UNBOUNDED PRECEDING
        ) AS place
    FROM recent
    INNER JOIN counted ON recent.endpoint = counted.endpoint
    WHERE
        counted.is_weighted
        AND (SELECT bool_or(it.is_weighted) FROM counted AS it)
),

nearest AS (
    SELECT
        placed.endpoint,
        wanted.place,
        min(placed.runtime_ms) FILTER (WHERE placed.place > floor(wanted.place)) AS below,
        min(placed.runtime_ms) FILTER (WHERE placed.place > ceil(wanted.place)) AS above
    FROM placed
    CROSS JOIN
        LATERAL (
            SELECT share * (placed.events - 1)::double precision AS place
            FROM unnest(ARRAY[0.5, 0.95, 0.99]::double precision[]) AS share
        ) AS wanted
    GROUP BY placed.endpoint, wanted.place
),

weighted AS (
    SELECT
        endpoint,
        array_agg(below + (above - below) * (place - floor(place)) ORDER BY place) AS ms
    FROM nearest
    GROUP BY endpoint
),

measured AS (
    SELECT
        counted.endpoint,
        counted.events::bigint AS events,
        counted.errors::bigint AS errors,
        least(counted.cost, 1.7976931348623157e308)::double precision AS cost,
        (coalesce(weighted.ms, plain.ms))[1] AS p50_ms,
        (coalesce(weighted.ms, plain.ms))[2] AS p95_ms,
        (coalesce(weighted.ms, plain.ms))[3] AS p99_ms
    FROM counted
    CROSS JOIN
        LATERAL (
            SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ms) AS ms
            FROM unnest(CASE WHEN NOT counted.is_weighted THEN counted.times END) AS ms
        ) AS plain
    LEFT JOIN weighted ON counted.endpoint = weighted.endpoint
),

sorted AS (
    SELECT
        endpoint,
        events,
        errors,
        cost,
        p50_ms,
        p95_ms,
        p99_ms,
        row_number() OVER (
            ORDER BY
                CASE WHEN %(sort)s::text = 'endpoint' THEN endpoint END ASC,
                CASE %(sort)s
                    WHEN 'rate' THEN errors::double precision / events
                    WHEN 'events' THEN events
                    WHEN 'p50' THEN p50_ms
                    WHEN 'p95' THEN p95_ms
                    WHEN 'p99' THEN p99_ms
                    WHEN 'cost' THEN cost
                END DESC,
                errors DESC,
                p95_ms DESC,
                endpoint ASC
        ) AS place,
        row_number() OVER (ORDER BY p95_ms DESC, endpoint ASC) AS slow_place,
        count(*) OVER () AS endpoints
    FROM measured
)

SELECT
    endpoint,
    events,
    errors,
    p50_ms,
    p95_ms,
    p99_ms,
    cost,
    place,
    slow_place,
    endpoints
FROM sorted
WHERE
    place - %(row_offset)s BETWEEN 1 AND %(row_limit)s
    OR slow_place <= %(slow_limit)s
ORDER BY place;
