-- How much an event counts in a summary: an event may stand for several that its sender added up.
-- Its metadata says so: event_count or sample_count, total_runtime_ms, total_runtime_cost_estimate.
-- Anybody may send metadata, so a value that is not a number in its range is ignored.
-- telemetry/runtime_events/file/weight.py has the same rules for the JSON file.
-- depends: 0005_runtime_events_table

SET LOCAL lock_timeout = '5s';

-- In the language SQL without settings of its own, so that it becomes a part of its statement.
CREATE FUNCTION runtime_event_weight(
    metadata jsonb, runtime_ms numeric, runtime_cost_estimate numeric
)
RETURNS TABLE (events bigint, total_ms numeric, total_cost numeric)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT
        coalesce(stands_for.events, 1),
        CASE
            WHEN stands_for.events IS NULL THEN runtime_event_weight.runtime_ms
            -- 1.7976931348623157e308 is the largest double, and 1.8e308 just above it.
            WHEN total.runtime_ms > 0 AND total.runtime_ms < 1.8e308 THEN total.runtime_ms
            ELSE least(stands_for.events * runtime_event_weight.runtime_ms, 1.7976931348623157e308)
        END,
        CASE
            WHEN stands_for.events IS NULL THEN runtime_event_weight.runtime_cost_estimate
            WHEN total.cost >= 0 AND total.cost < 1.8e308 THEN total.cost
            ELSE least(
                stands_for.events * runtime_event_weight.runtime_cost_estimate,
                1.7976931348623157e308
            )
        END
    FROM
        (
            SELECT
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'event_count')
                    WHEN 'number' THEN (runtime_event_weight.metadata -> 'event_count')::numeric
                END AS event_count,
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'sample_count')
                    WHEN 'number' THEN (runtime_event_weight.metadata -> 'sample_count')::numeric
                END AS sample_count
        ) AS sent,
        LATERAL (
            SELECT
                CASE
                    -- Most events have neither, and this is the fastest test.
                    WHEN
                        NOT runtime_event_weight.metadata ? 'event_count'
                        AND NOT runtime_event_weight.metadata ? 'sample_count'
                        THEN NULL
                    WHEN
                        sent.event_count BETWEEN 1 AND 1000000000 AND sent.event_count % 1 = 0
                        THEN sent.event_count
                    WHEN
                        sent.sample_count BETWEEN 1 AND 1000000000 AND sent.sample_count % 1 = 0
                        THEN sent.sample_count
                END::bigint AS events
        ) AS stands_for,
        LATERAL (
            SELECT
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'total_runtime_ms')
                    WHEN 'number'
                        THEN (runtime_event_weight.metadata -> 'total_runtime_ms')::numeric
                END AS runtime_ms,
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'total_runtime_cost_estimate')
                    WHEN 'number'
                        THEN
                            (runtime_event_weight.metadata -> 'total_runtime_cost_estimate')::numeric
                END AS cost
        ) AS total
$$;

-- A role that could write before still can, also where a DBA has revoked the usual right.
GRANT EXECUTE ON FUNCTION runtime_event_weight(jsonb, numeric, numeric) TO public;

COMMENT ON FUNCTION runtime_event_weight(jsonb, numeric, numeric) IS
'How many events an event stands for (1 to 10^9), and their runtime and cost together';
