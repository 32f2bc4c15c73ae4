-- Sets when runs last changed. For demo data alone, which was not received when it says it was.
-- params: runs (JSON array of objects with event_id and updated_at; NULL: unchanged)
-- index: agent_runs_pkey
-- locks: the rows of the runs
-- returns: the event_id of each run
UPDATE agent_runs
SET updated_at = coalesce(sent.updated_at, agent_runs.updated_at)
FROM json_to_recordset(%(runs)s::json) AS sent (event_id text, updated_at timestamptz)
WHERE agent_runs.event_id = sent.event_id
RETURNING agent_runs.event_id;
