-- Finds the runs that are running among some, where agent_runs is distributed: complete.sql locks
-- one run there, and is sent for these only.
-- params: ids (array)
-- index: agent_runs_pkey
-- locks: none
-- returns: event_id of each run that is running
SELECT event_id
FROM agent_runs
WHERE event_id = any(%(ids)s::text[]) AND status = 'running';
