-- Adds up the events of one endpoint in a window. Events are weighted, and percentiles are those of
-- events that stand for one each, as in sql/runtime_events/summary.sql. The slower percentiles are
-- for an endpoint with an event that stands for several; without any, that part reads nothing.
-- The first condition on the endpoint is that of the index, which holds 500 characters of it and
-- the time, so the cost grows with the events of this endpoint and not with those of all.
-- params: endpoint, recorded_from, recorded_until, source (NULL: any)
-- index: ix_runtime_events_endpoint_recorded_at
-- locks: none
-- returns: one row: events, errors; p50_ms, p95_ms, p99_ms, cost, last_at (NULL: no event)
WITH recent AS NOT MATERIALIZED (
    SELECT
        event.recorded_at,
        event.status_code,
        event.runtime_ms::double precision AS runtime_ms,
        weight.events,
        weight.total_cost
    FROM runtime_events AS event
    CROSS JOIN
        LATERAL runtime_event_weight(
            event.metadata, event.runtime_ms, event.runtime_cost_estimate
        ) AS weight
    WHERE
        left(event.endpoint, 500) COLLATE "C" = left(%(endpoint)s::text, 500)
        AND event.endpoint = %(endpoint)s
        AND event.recorded_at >= %(recorded_from)s::timestamptz
        AND event.recorded_at < %(recorded_until)s::timestamptz
        AND event.recorded_at <= now()
        AND (%(source)s::text IS NULL OR event.source = %(source)s)
),

counted AS (
    SELECT
        coalesce(sum(events), 0) AS events,
        coalesce(sum(events) > count(*), FALSE) AS is_weighted,
        coalesce(sum(events) FILTER (WHERE status_code >= 500), 0) AS errors,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY runtime_ms) AS ms,
        sum(total_cost) AS cost,
        max(recorded_at) AS last_at
    FROM recent
),

placed AS (
    SELECT
        runtime_ms,
        sum(events) OVER (ORDER BY runtime_ms ROWS UNBOUNDED PRECEDING) AS place
    FROM recent
    WHERE (SELECT is_weighted FROM counted)
),

nearest AS (
    SELECT
        wanted.place,
        min(placed.runtime_ms) FILTER (WHERE placed.place > floor(wanted.place)) AS below,
        min(placed.runtime_ms) FILTER (WHERE placed.place > ceil(wanted.place)) AS above
    FROM placed
    CROSS JOIN
        (
            SELECT share * (counted.events - 1)::double precision AS place
            FROM counted
            CROSS JOIN unnest(ARRAY[0.5, 0.95, 0.99]::double precision[]) AS share
        ) AS wanted
    GROUP BY wanted.place
),

weighted AS (
    SELECT array_agg(below + (above - below) * (place - floor(place)) ORDER BY place) AS ms
    FROM nearest
)

SELECT
    counted.events::bigint AS events,
    counted.errors::bigint AS errors,
    (coalesce(weighted.ms, counted.ms))[1] AS p50_ms,
    (coalesce(weighted.ms, counted.ms))[2] AS p95_ms,
    (coalesce(weighted.ms, counted.ms))[3] AS p99_ms,
    -- least() ignores NULL.
    CASE
        WHEN counted.events > 0 THEN least(counted.cost, 1.7976931348623157e308)::double precision
    END AS cost,
    counted.last_at
FROM counted
CROSS JOIN weighted;
