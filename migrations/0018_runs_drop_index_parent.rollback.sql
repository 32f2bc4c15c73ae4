-- Writers wait while the index is built, twice: the first time to learn what would be lost.
SET LOCAL lock_timeout = '5s';

CREATE INDEX ix_agent_runs_parent_run_id ON agent_runs USING hash (parent_run_id)
WHERE parent_run_id IS NOT NULL;
COMMENT ON INDEX ix_agent_runs_parent_run_id IS
'sql/runs/query.sql by parent; hash, because the text may be longer than a btree takes';
