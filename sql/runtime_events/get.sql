-- Reads one event.
-- params: id
-- index: runtime_events_pkey
-- locks: none
-- returns: the event; no row: it does not exist
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
WHERE id = %(id)s;
