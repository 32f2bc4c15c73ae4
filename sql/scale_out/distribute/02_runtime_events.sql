-- Distributes runtime_events by id. The lane and the number of an event come from defaults, which
-- the coordinator evaluates; a trigger would draw them from the sequences of each worker.
-- Citus refuses a subquery for each hour, so the view of hours groups all events instead.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events while its rows are copied
-- returns: nothing

LOCK TABLE runtime_events IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

DROP TRIGGER number_runtime_event ON runtime_events;
ALTER TABLE runtime_events ALTER COLUMN lane SET DEFAULT take_lane(7306)::smallint;
ALTER TABLE runtime_events ALTER COLUMN number SET DEFAULT nextval('runtime_events_number_seq');

SELECT create_distributed_table('runtime_events', 'id', colocate_with => 'none');
-- The rows that were copied: hidden, but on the disk of the coordinator for good.
SELECT truncate_local_data_after_distributing_table('runtime_events');

CREATE OR REPLACE VIEW telemetry_views.runtime_events_by_hour AS
SELECT
    date_trunc('hour', event.recorded_at, 'UTC') AS hour,
    event.source,
    event.endpoint,
    event.method,
    sum(weight.events)::bigint AS event_count,
    coalesce(sum(weight.events) FILTER (WHERE event.status_code >= 500), 0)::bigint
        AS error_count,
    least(sum(weight.total_ms), 1.7976931348623157e308) AS total_runtime_ms,
    sum(weight.total_ms) / sum(weight.events) AS average_runtime_ms,
    round(least(sum(weight.total_cost), 1.7976931348623157e308), 8) AS runtime_cost_estimate
FROM runtime_events AS event
CROSS JOIN
    LATERAL runtime_event_weight(
        event.metadata, event.runtime_ms, event.runtime_cost_estimate
    ) AS weight
WHERE event.recorded_at > '-infinity' AND event.recorded_at < 'infinity'
GROUP BY
    date_trunc('hour', event.recorded_at, 'UTC'),
    event.source,
    event.endpoint,
    event.method;
