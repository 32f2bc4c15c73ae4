-- Brings runtime_events back to the coordinator, as migrate made it.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events while its rows are copied
-- returns: nothing

LOCK TABLE runtime_events IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

-- LOCK reaches no shard. These change nothing and wait there for transactions in doubt, which would
-- otherwise commit into shards that have been copied.
ALTER TABLE runtime_events ALTER COLUMN id SET NOT NULL;

SELECT undistribute_table('runtime_events');
-- partition changes the owner of the sequence, which Citus refuses for its own.
SELECT
    citus_unmark_object_distributed(
        'pg_class'::regclass, 'runtime_events_number_seq'::regclass, 0, FALSE
    ) AS unmarked;

ALTER TABLE runtime_events ALTER COLUMN lane DROP DEFAULT;
ALTER TABLE runtime_events ALTER COLUMN number DROP DEFAULT;
CREATE TRIGGER number_runtime_event
BEFORE INSERT ON runtime_events
FOR EACH ROW
EXECUTE FUNCTION number_runtime_event();

CREATE OR REPLACE VIEW telemetry_views.runtime_events_by_hour AS
SELECT
    every_hour.hour,
    added.source,
    added.endpoint,
    added.method,
    added.event_count,
    added.error_count,
    added.total_runtime_ms,
    added.average_runtime_ms,
    added.runtime_cost_estimate
FROM
    generate_series(
        (
            SELECT date_trunc('hour', min(oldest.recorded_at), 'UTC')
            FROM runtime_events AS oldest
            WHERE oldest.recorded_at > '-infinity'
        ),
        (
            SELECT max(newest.recorded_at)
            FROM runtime_events AS newest
            WHERE newest.recorded_at < 'infinity'
        ),
        interval '1 hour'
    ) AS every_hour (hour)
CROSS JOIN LATERAL (
    SELECT
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
    WHERE
        event.recorded_at >= every_hour.hour
        AND event.recorded_at < every_hour.hour + interval '1 hour'
    GROUP BY event.source, event.endpoint, event.method
) AS added;
