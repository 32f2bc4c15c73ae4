-- Creates the events whose id is new, and leaves existing events unchanged. Used for one event, a
-- group, a batch and an import (which brings recorded_at). Sorted, so that two batches never
-- deadlock.
-- params: events (JSON array of objects)
-- index: runtime_events_pkey finds duplicates
-- locks: the new rows, and a lane of events until the transaction ends; waits for a
-- concurrent create of the same id
-- returns: the new events; no row: all of them exist
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
ON CONFLICT ON CONSTRAINT runtime_events_pkey DO NOTHING
RETURNING
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
    recorded_at;
