-- Finds one of the runs that is there already: a batch without any can be copied. A look ahead
-- that spares PostgreSQL's log an error for each batch that is repeated; what is new is decided
-- by the key when they are written.
-- params: event_ids (JSON array of texts)
-- index: agent_runs_pkey
-- locks: none
-- returns: the event_id of one that is there; no row: none is
SELECT event_id
FROM agent_runs
WHERE event_id = any(array(SELECT json_array_elements_text(%(event_ids)s::json)))
ORDER BY event_id
LIMIT 1;
