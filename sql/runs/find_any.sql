-- Looks for one run of a batch that exists already: a batch without any can be sent by COPY. This
-- only keeps the failure of a repeated batch's COPY out of PostgreSQL's log. Whether a run is new
-- is decided by the primary key when it is written.
-- params: ids (array)
-- index: agent_runs_pkey
-- locks: none
-- returns: the event_id of one existing run; no row: none exists
SELECT event_id
FROM agent_runs
WHERE event_id = any(%(ids)s::text[])
ORDER BY event_id
LIMIT 1;
