-- Adds up the events of one endpoint over time. The first condition on the endpoint is that of the
-- index, which holds 500 characters of it and the time, so the cost grows with the events of this
-- endpoint and not with those of all.
-- params: endpoint, recorded_from, recorded_until, step (width of a bar, an interval), source
-- (NULL: any)
-- index: ix_runtime_events_endpoint_recorded_at
-- locks: none
-- returns: bucket (start of a bar), events, errors, p50_ms, p95_ms
SELECT
    date_bin(%(step)s::interval, recorded_at, timestamptz '2000-01-03 00:00:00+00') AS bucket,
    count(*) AS events,
    count(*) FILTER (WHERE status_code >= 500) AS errors,
    percentile_disc(0.5) WITHIN GROUP (
        ORDER BY runtime_ms::double precision
    ) AS p50_ms,
    percentile_disc(0.95) WITHIN GROUP (
        ORDER BY runtime_ms::double precision
    ) AS p95_ms
FROM runtime_events
WHERE
    left(endpoint, 500) COLLATE "C" = left(%(endpoint)s::text, 500)
    AND endpoint = %(endpoint)s
    AND recorded_at >= %(recorded_from)s::timestamptz
    AND recorded_at < %(recorded_until)s::timestamptz
    AND (%(source)s::text IS NULL OR source = %(source)s)
-- Grouped by number: a column of a DBA may have the name of an output column.
GROUP BY 1
ORDER BY 1;
