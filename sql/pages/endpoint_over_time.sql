-- Adds up the events of one endpoint over time, as endpoint.sql does in total. The slower
-- percentiles are for the bars with an event that stands for several.
-- params: endpoint, recorded_from, recorded_until, step (width of a bar, an interval), source
-- (NULL: any)
-- index: ix_runtime_events_endpoint_recorded_at
-- locks: none
-- returns: bucket (start of a bar), events, errors, p50_ms, p95_ms
WITH recent AS NOT MATERIALIZED (
    SELECT
        date_bin(
            %(step)s::interval, event.recorded_at, timestamptz '2000-01-03 00:00:00+00'
        ) AS bucket,
        event.status_code,
        event.runtime_ms::double precision AS runtime_ms,
        weight.events
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
        bucket,
        sum(events) AS events,
        sum(events) > count(*) AS is_weighted,
        coalesce(sum(events) FILTER (WHERE status_code >= 500), 0) AS errors,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY runtime_ms) AS ms
    FROM recent
    GROUP BY bucket
),

placed AS (
    SELECT
        counted.bucket,
        counted.events,
        recent.runtime_ms,
        sum(recent.events) OVER (
            PARTITION BY counted.bucket
            ORDER BY recent.runtime_ms
            ROWS UNBOUNDED PRECEDING
        ) AS place
    FROM recent
    INNER JOIN counted ON recent.bucket = counted.bucket
    WHERE
        counted.is_weighted
        AND (SELECT bool_or(any_of.is_weighted) FROM counted AS any_of)
),

nearest AS (
    SELECT
        placed.bucket,
        wanted.place,
        min(placed.runtime_ms) FILTER (WHERE placed.place > floor(wanted.place)) AS below,
        min(placed.runtime_ms) FILTER (WHERE placed.place > ceil(wanted.place)) AS above
    FROM placed
    CROSS JOIN
        LATERAL (
            SELECT share * (placed.events - 1)::double precision AS place
            FROM unnest(ARRAY[0.5, 0.95]::double precision[]) AS share
        ) AS wanted
    GROUP BY placed.bucket, wanted.place
),

weighted AS (
    SELECT
        bucket,
        array_agg(below + (above - below) * (place - floor(place)) ORDER BY place) AS ms
    FROM nearest
    GROUP BY bucket
)

SELECT
    counted.bucket,
    counted.events::bigint AS events,
    counted.errors::bigint AS errors,
    (coalesce(weighted.ms, counted.ms))[1] AS p50_ms,
    (coalesce(weighted.ms, counted.ms))[2] AS p95_ms
FROM counted
LEFT JOIN weighted ON counted.bucket = weighted.bucket
ORDER BY counted.bucket;
