-- Brings agent_runs back to the coordinator, as migrate made it, and counts the runs again: the
-- counts of an agent were spread over the shards.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on agent_runs and its counts while their rows are copied
-- returns: nothing

LOCK TABLE agent_runs, agent_run_counts, agent_run_count_changes IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

-- LOCK reaches no shard. These change nothing and wait there for transactions in doubt, which would
-- otherwise commit into shards that have been copied.
ALTER TABLE agent_runs ALTER COLUMN event_id SET NOT NULL;
ALTER TABLE agent_run_counts ALTER COLUMN shard SET NOT NULL;
ALTER TABLE agent_run_count_changes ALTER COLUMN shard SET NOT NULL;

-- The copy back would fire them.
DROP TRIGGER count_inserted ON agent_runs;
DROP TRIGGER count_deleted ON agent_runs;
DROP TRIGGER count_moved ON agent_runs;
TRUNCATE agent_run_counts, agent_run_count_changes;

SELECT undistribute_table('agent_run_count_changes');
SELECT undistribute_table('agent_run_counts');
SELECT undistribute_table('agent_runs');
-- Citus refuses changes of a sequence that it has made known to the workers, and keeps it known.
SELECT
    citus_unmark_object_distributed(
        'pg_class'::regclass, 'agent_runs_change_seq'::regclass, 0, FALSE
    );

ALTER TABLE agent_run_counts DROP CONSTRAINT agent_run_counts_pkey;
ALTER TABLE agent_run_counts DROP COLUMN shard;
ALTER TABLE agent_run_counts
ADD CONSTRAINT agent_run_counts_pkey PRIMARY KEY (bucket, agent_name);
ALTER TABLE agent_run_count_changes DROP COLUMN shard;
DROP FUNCTION count_runs_of_shard();
DROP FUNCTION fold_counts_of_shard(text, text, bigint);
DROP FUNCTION shard_beside(name, regclass, regclass);
DROP FUNCTION IF EXISTS settled_lanes(integer, bigint[]);
DROP TABLE IF EXISTS sequences_checked;

CREATE TRIGGER count_inserted
AFTER INSERT ON agent_runs
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT
EXECUTE FUNCTION count_runs();
CREATE TRIGGER count_deleted
AFTER DELETE ON agent_runs
REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT
EXECUTE FUNCTION count_runs();
CREATE TRIGGER count_moved
AFTER UPDATE ON agent_runs
FOR EACH ROW
WHEN (
    old.agent_name IS DISTINCT FROM new.agent_name
    OR old.created_at IS DISTINCT FROM new.created_at
)
EXECUTE FUNCTION count_runs();
CREATE TRIGGER count_truncated
BEFORE TRUNCATE ON agent_runs
FOR EACH STATEMENT
EXECUTE FUNCTION count_no_runs();
CREATE TRIGGER number_changed_run
BEFORE UPDATE ON agent_runs
FOR EACH ROW
EXECUTE FUNCTION number_changed_run();

SELECT recount_agent_runs();
