-- The indexes that the feed of runs reads. Writers continue while they are built. It first removes
-- what an interrupted attempt left.
-- depends: 0017_runs_changes
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_change_number;

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_unnumbered;

CREATE INDEX CONCURRENTLY ix_agent_runs_change_number ON agent_runs (change_number)
WHERE change_number > 0;

COMMENT ON INDEX ix_agent_runs_change_number IS
'sql/runs/feed.sql: the changes of each lane in order';

CREATE INDEX CONCURRENTLY ix_agent_runs_unnumbered ON agent_runs (event_id)
WHERE change_number = 0;

COMMENT ON INDEX ix_agent_runs_unnumbered IS
'sql/runs/feed_unnumbered.sql; only runs from before change_number existed are in it';
