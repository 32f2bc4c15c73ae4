-- Lists events, newest first. The caller asks for one more than the page holds, to find out
-- whether more follow. Never prepared, so it is planned for its parameters: a filter that is NULL
-- drops out, and a prefix, with its wildcards escaped, becomes a range of the index. The index
-- holds 500 characters of an endpoint, so the last condition compares the whole.
-- params: source, endpoint_prefix, since (inclusive), cursor_recorded_at, cursor_id (NULL: any),
-- row_limit, row_offset
-- index: ix_runtime_events_recorded_at, ix_runtime_events_source_recorded_at, or
-- ix_runtime_events_endpoint_recorded_at when few events have the prefix
-- locks: none
-- returns: events in the order of (recorded_at, id), descending
SELECT
    id,
    source,
    endpoint,
    raw_endpoint,
    method,
    status_code,
    runtime_ms,
    round(runtime_cost_estimate, 8) AS runtime_cost_estimate,
    idea_id,
    origin_idea_id,
    metadata,
    recorded_at
FROM runtime_events
WHERE
    (%(source)s::text IS NULL OR source = %(source)s)
    AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
    AND (
        %(endpoint_prefix)s::text IS NULL
        OR (
            left(endpoint, 500) COLLATE "C" LIKE
            replace(
                replace(
                    replace(left(%(endpoint_prefix)s, 500), '\', '\\'), '%%', '\%%'
                ), '_', '\_'
            ) || '%%'
            AND starts_with(endpoint, %(endpoint_prefix)s)
        )
    )
    AND (
        %(cursor_recorded_at)s::timestamptz IS NULL
        OR (
            recorded_at <= %(cursor_recorded_at)s
            AND (recorded_at < %(cursor_recorded_at)s OR id < %(cursor_id)s::text)
        )
    )
ORDER BY recorded_at DESC, id DESC
LIMIT %(row_limit)s OFFSET %(row_offset)s;
