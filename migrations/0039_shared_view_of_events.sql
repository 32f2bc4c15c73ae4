-- A view of the runtime events one by one, so that an analyst can take any percentile of them.
-- sql/roles/analyst.sql grants it. It runs with the rights of its owner. raw_endpoint is left out:
-- a query string may hold what is secret.
-- depends: 0035_shared_views_of_events_and_devices

SET LOCAL lock_timeout = '5s';

CREATE VIEW telemetry_views.runtime_events AS
SELECT
    event.id,
    event.recorded_at,
    event.source,
    event.endpoint,
    event.method,
    event.status_code,
    event.runtime_ms,
    round(event.runtime_cost_estimate, 8) AS runtime_cost_estimate,
    event.idea_id,
    event.origin_idea_id,
    event.metadata,
    weight.events AS event_count
FROM runtime_events AS event
CROSS JOIN
    LATERAL runtime_event_weight(
        event.metadata, event.runtime_ms, event.runtime_cost_estimate
    ) AS weight;

COMMENT ON VIEW telemetry_views.runtime_events IS
'Runtime events, with the names of the API. Filter by recorded_at, and by endpoint or source too: '
'these have indexes';
COMMENT ON COLUMN telemetry_views.runtime_events.id IS
'From the client; else rt_ and 32 hex digits from the service';
COMMENT ON COLUMN telemetry_views.runtime_events.recorded_at IS
'When the event was received, by this database''s clock';
COMMENT ON COLUMN telemetry_views.runtime_events.source IS 'api, web, web_api or worker';
COMMENT ON COLUMN telemetry_views.runtime_events.endpoint IS
'Path of the endpoint, without its query string';
COMMENT ON COLUMN telemetry_views.runtime_events.method IS 'HTTP method';
COMMENT ON COLUMN telemetry_views.runtime_events.status_code IS
'HTTP status; 500 and above count as errors';
COMMENT ON COLUMN telemetry_views.runtime_events.runtime_ms IS
'Milliseconds. Of an event that stands for several, as its sender put it, usually their average';
COMMENT ON COLUMN telemetry_views.runtime_events.runtime_cost_estimate IS
'Cost of runtime_ms, at the price of a second when the event was stored';
COMMENT ON COLUMN telemetry_views.runtime_events.idea_id IS 'The idea that the request served';
COMMENT ON COLUMN telemetry_views.runtime_events.origin_idea_id IS
'Equal to idea_id, unless the event was imported with its own';
COMMENT ON COLUMN telemetry_views.runtime_events.metadata IS
'Object of strings, numbers, booleans and nulls';
COMMENT ON COLUMN telemetry_views.runtime_events.event_count IS
'How many events it stands for; 1 unless its sender added several up';
