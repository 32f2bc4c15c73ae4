-- Creates the events whose id is new; an event that is there already is left untouched.
-- Serves one event, a batch and an import alike (an import brings recorded_at). Sorted, so
-- that two batches never wait for each other in a circle.
-- params: events (JSON array of objects)
-- index: runtime_events_pkey decides what is new
-- locks: the new rows, and a lane of events until the transaction ends; waits for a
-- concurrent create of the same id
-- returns: the events created; no row: every one was there already
INSERT INTO runtime_events (
    id,
    recorded_at,
    source,
    endpoint,
    raw_endpoint,
    method,
    status_code,
    runtime_ms,
    runtime_cost_estimate,
    idea_id,
    origin_idea_id,
    metadata
)
SELECT
    sent.id,
    coalesce(sent.recorded_at, now()),
    sent.source,
    sent.endpoint,
    sent.raw_endpoint,
    sent.method,
    sent.status_code,
    sent.runtime_ms,
    sent.runtime_cost_estimate,
    sent.idea_id,
    sent.origin_idea_id,
    sent.metadata
FROM json_populate_recordset(NULL::runtime_events, %(events)s::json) AS sent
ORDER BY sent.id COLLATE "C"
ON CONFLICT (id) DO NOTHING
RETURNING
    id,
    source,
    endpoint,
    raw_endpoint,
    method,
    status_code,
    runtime_ms,
    runtime_cost_estimate,
    idea_id,
    origin_idea_id,
    metadata,
    recorded_at;
