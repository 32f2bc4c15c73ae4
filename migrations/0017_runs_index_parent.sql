-- An index that finds the runs of a parent, newest first. The one that it
-- replaces hashes the parent: runs of the same one fill a chain of pages that each new run is led
-- along, so that a parent of a hundred thousand runs makes writers walk hundreds of pages.
-- A text may be longer than a btree takes: it is found by its first 255 characters.
-- Writers go on meanwhile; what a broken attempt left behind is cleared away first.
-- depends: 0003_runs_create
-- transactional: false

SET lock_timeout = '60s';

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_parent_run_id_created_at;

CREATE INDEX CONCURRENTLY ix_agent_runs_parent_run_id_created_at
ON agent_runs (left(parent_run_id, 255), created_at DESC)
WHERE parent_run_id IS NOT NULL;

COMMENT ON INDEX ix_agent_runs_parent_run_id_created_at IS 'sql/runs/query.sql by parent';
