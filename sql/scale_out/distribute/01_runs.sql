-- Distributes agent_runs by event_id, with a shard of the counts beside each of its shards. The
-- triggers on a shard write into the counts beside it, so a run and its count move together.
-- The counts are distributed by a column that no statement groups or filters by: by agent_name,
-- Citus would sum the runs of an agent for each shard alone.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on agent_runs and its counts while their rows are copied
-- returns: nothing

LOCK TABLE agent_runs, agent_run_counts, agent_run_count_changes IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

ALTER TABLE agent_run_counts ADD COLUMN shard text NOT NULL DEFAULT '';
COMMENT ON COLUMN agent_run_counts.shard IS 'Always empty: places the row beside its runs';
ALTER TABLE agent_run_counts DROP CONSTRAINT agent_run_counts_pkey;
ALTER TABLE agent_run_counts
ADD CONSTRAINT agent_run_counts_pkey PRIMARY KEY (bucket, agent_name, shard);
ALTER TABLE agent_run_count_changes ADD COLUMN shard text NOT NULL DEFAULT '';
COMMENT ON COLUMN agent_run_count_changes.shard IS 'Always empty: places the row beside its runs';

CREATE FUNCTION shard_beside(shard name, logical regclass, other regclass) RETURNS text
LANGUAGE sql STABLE
AS $$
SELECT shard_name(shard_beside.other, beside.shardid)
FROM pg_dist_shard AS here
INNER JOIN pg_dist_shard AS beside ON here.shardminvalue = beside.shardminvalue
WHERE
    here.shardid = substring(shard_beside.shard::text FROM '[0-9]+$')::bigint
    AND here.logicalrelid = shard_beside.logical
    AND beside.logicalrelid = shard_beside.other
$$;
COMMENT ON FUNCTION shard_beside(name, regclass, regclass)
IS 'The quoted name of the shard of other that lies beside a shard of logical';

CREATE FUNCTION fold_counts_of_shard(counts text, changes text, row_limit bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    folded bigint;
    emptied bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7307, hashtext(changes)) THEN
        RETURN 0;
    END IF;
    EXECUTE format($sql$
        WITH taken AS (
            DELETE FROM %2$s
            WHERE ctid = any(ARRAY(SELECT change.ctid FROM %2$s AS change LIMIT %3$s))
            RETURNING agent_name, bucket, runs
        ),
        summed AS (
            SELECT agent_name, bucket, sum(runs) AS runs FROM taken
            GROUP BY GROUPING SETS ((agent_name, bucket), (agent_name))
        ),
        counted AS (
            INSERT INTO %1$s AS known (bucket, agent_name, runs, shard)
            SELECT coalesce(bucket, '-infinity'), agent_name, runs, '' FROM summed WHERE runs <> 0
            ON CONFLICT (bucket, agent_name, shard) DO UPDATE SET runs = known.runs + excluded.runs
            RETURNING runs
        )
        SELECT
            (SELECT count(*) FROM taken),
            (SELECT count(*) FROM counted WHERE runs = 0)
    $sql$, counts, changes, row_limit) INTO folded, emptied;
    IF emptied > 0 THEN
        EXECUTE format('DELETE FROM %s WHERE runs = 0', counts);
    END IF;
    RETURN folded;
END;
$$;
COMMENT ON FUNCTION fold_counts_of_shard(text, text, bigint)
IS 'Moves up to row_limit changes of a shard into its counts; returns how many';

CREATE FUNCTION count_runs_of_shard() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    changes text := shard_beside(tg_table_name, 'agent_runs', 'agent_run_count_changes');
    added bigint;
BEGIN
    IF tg_op = 'UPDATE' THEN
        EXECUTE format(
            'INSERT INTO %s (agent_name, bucket, runs, shard)'
            ' VALUES ($1, $2, -1, ''''), ($3, $4, 1, '''')',
            changes
        )
        USING
            old.agent_name,
            agent_run_bucket(old.created_at),
            new.agent_name,
            agent_run_bucket(new.created_at);
    ELSE
        EXECUTE format(
            'INSERT INTO %s (agent_name, bucket, runs, shard)'
            ' SELECT changed.agent_name, agent_run_bucket(changed.created_at), count(*) * $1, '''''
            ' FROM changed GROUP BY 1, 2',
            changes
        )
        USING CASE tg_op WHEN 'INSERT' THEN 1 ELSE -1 END;
    END IF;
    GET DIAGNOSTICS added = ROW_COUNT;
    -- On average once per 1,000 rows, and then up to 10,000 of them, which outpaces any writers.
    -- Under a stricter isolation level it could fail, and the writer's statement with it.
    IF
        random() * 1000 < added
        AND current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable')
    THEN
        PERFORM fold_counts_of_shard(
            shard_beside(tg_table_name, 'agent_runs', 'agent_run_counts'), changes, 10000
        );
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION count_runs_of_shard()
IS 'Trigger of the shards of agent_runs: appends to the changes beside what a statement changed';

-- The owner of the tables has no more rights than these functions need. Another role that put them
-- behind a trigger of its own could change counts.
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOREACH made IN ARRAY ARRAY[
        'shard_beside(name, regclass, regclass)'::regprocedure,
        'fold_counts_of_shard(text, text, bigint)'::regprocedure,
        'count_runs_of_shard()'::regprocedure
    ] LOOP
        EXECUTE format(
            'ALTER FUNCTION %s OWNER TO %s',
            made,
            (SELECT relowner::regrole FROM pg_class WHERE oid = 'agent_runs'::regclass)
        );
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM public', made);
    END LOOP;
END
$$;

-- TRUNCATE reaches each table by itself: who truncates the runs truncates the counts as well.
DROP TRIGGER count_truncated ON agent_runs;
-- Change numbers come from the coordinator, whose sequence and lanes are the only ones.
DROP TRIGGER number_changed_run ON agent_runs;
-- The copy to the shards would fire them; the counts that exist are copied too.
DROP TRIGGER count_inserted ON agent_runs;
DROP TRIGGER count_deleted ON agent_runs;
DROP TRIGGER count_moved ON agent_runs;

SELECT create_distributed_table('agent_runs', 'event_id', colocate_with => 'none');
SELECT create_distributed_table('agent_run_counts', 'shard', colocate_with => 'agent_runs');
SELECT create_distributed_table('agent_run_count_changes', 'shard', colocate_with => 'agent_runs');
-- The rows that were copied: hidden, but on the disk of the coordinator for good.
SELECT truncate_local_data_after_distributing_table('agent_runs');
SELECT truncate_local_data_after_distributing_table('agent_run_counts');
SELECT truncate_local_data_after_distributing_table('agent_run_count_changes');

CREATE TRIGGER count_inserted
AFTER INSERT ON agent_runs
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT
EXECUTE FUNCTION count_runs_of_shard();
CREATE TRIGGER count_deleted
AFTER DELETE ON agent_runs
REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT
EXECUTE FUNCTION count_runs_of_shard();
CREATE TRIGGER count_moved
AFTER UPDATE ON agent_runs
FOR EACH ROW
WHEN (
    old.agent_name IS DISTINCT FROM new.agent_name
    OR old.created_at IS DISTINCT FROM new.created_at
)
EXECUTE FUNCTION count_runs_of_shard();
