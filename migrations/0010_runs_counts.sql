-- Counts of the runs, kept while runs are written, so that sql/runs/metrics.sql need not read
-- them all. A writer only ever adds a row of its own that says what it changed, so writers
-- share nothing; what they added is folded into the counts now and then.
-- Every snapshot sees a run together with the row that counts it, so the sum of the counts
-- and the changes is exact in every snapshot, whatever is under way.
-- No timestamp of the service's is read here: a clock that jumps can't spoil a count.
-- The runs that are there already are counted by the migration that follows.
-- depends: 0003_runs_create

SET LOCAL lock_timeout = '5s';

-- Where the functions below look for tables, whoever calls them with whatever search_path.
DO $$
BEGIN
    PERFORM set_config('search_path', quote_ident(current_schema()) || ', pg_temp', TRUE);
END;
$$;

CREATE TABLE agent_run_counts (
    bucket timestamptz NOT NULL,
    agent_name text NOT NULL,
    runs bigint NOT NULL,
    CONSTRAINT agent_run_counts_pkey PRIMARY KEY (bucket, agent_name)
)
-- The newest buckets change often, in no indexed column: room on the page keeps that there.
WITH (fillfactor = 70);

COMMENT ON TABLE agent_run_counts IS
'Runs of each agent, in all and by ten minutes; exact together with agent_run_count_changes';
COMMENT ON COLUMN agent_run_counts.bucket IS
'agent_run_bucket(created_at) of the runs counted; -infinity: all runs of the agent';
COMMENT ON COLUMN agent_run_counts.runs IS
'May be below zero while the rest is in agent_run_count_changes; no row stands for zero';

CREATE TABLE agent_run_count_changes (
    agent_name text NOT NULL,
    bucket timestamptz NOT NULL,
    runs bigint NOT NULL
)
-- Rows come and go: cleaned often, so that it stays a few pages.
WITH (
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);

COMMENT ON TABLE agent_run_count_changes IS
'What statements added to the number of runs, until it is folded into agent_run_counts';
COMMENT ON COLUMN agent_run_count_changes.bucket IS 'agent_run_bucket(created_at)';
COMMENT ON COLUMN agent_run_count_changes.runs IS 'Runs more, or fewer when negative';

CREATE FUNCTION agent_run_bucket(created_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin(
    '10 minutes',
    -- Nothing asks for buckets that old, and before its origin date_bin differs between releases.
    greatest(created_at, '2000-01-01 00:00:00+00'::timestamptz),
    '2000-01-01 00:00:00+00'::timestamptz
);

COMMENT ON FUNCTION agent_run_bucket(timestamptz) IS
'The ten minutes in which a run is counted, by their beginning';

CREATE FUNCTION fold_agent_run_counts(row_limit bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    folded bigint;
    emptied bigint;
BEGIN
    -- Whoever finds another one folding goes on: nobody ever waits here.
    IF NOT pg_try_advisory_xact_lock(7307) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM agent_run_count_changes
        WHERE ctid = any(
            ARRAY(SELECT change.ctid FROM agent_run_count_changes AS change LIMIT row_limit)
        )
        RETURNING agent_name, bucket, runs
    ),

    summed AS (
        SELECT agent_name, bucket, sum(runs) AS runs
        FROM taken
        GROUP BY GROUPING SETS ((agent_name, bucket), (agent_name))
    ),

    counted AS (
        INSERT INTO agent_run_counts AS known (bucket, agent_name, runs)
        SELECT coalesce(bucket, '-infinity'), agent_name, runs
        FROM summed
        WHERE runs <> 0
        ON CONFLICT (bucket, agent_name) DO UPDATE SET runs = known.runs + excluded.runs
        RETURNING runs
    )

    SELECT
        (SELECT count(*) FROM taken),
        (SELECT count(*) FROM counted WHERE runs = 0)
    INTO folded, emptied;
    IF emptied > 0 THEN
        DELETE FROM agent_run_counts WHERE runs = 0;
    END IF;
    RETURN folded;
END;
$$;

COMMENT ON FUNCTION fold_agent_run_counts(bigint) IS
'Folds so many rows of agent_run_count_changes, at the most, into agent_run_counts';

CREATE FUNCTION count_runs() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    sign integer;
    added bigint;
BEGIN
    IF tg_op = 'UPDATE' THEN
        INSERT INTO agent_run_count_changes (agent_name, bucket, runs)
        VALUES
        (old.agent_name, agent_run_bucket(old.created_at), -1),
        (new.agent_name, agent_run_bucket(new.created_at), 1);
    ELSE
        sign := CASE tg_op WHEN 'INSERT' THEN 1 ELSE -1 END;
        PERFORM FROM changed OFFSET 1;
        IF found THEN
            INSERT INTO agent_run_count_changes (agent_name, bucket, runs)
            SELECT changed.agent_name, agent_run_bucket(changed.created_at), count(*) * sign
            FROM changed
            GROUP BY 1, 2;
        ELSE
            -- One run, the usual case, or none: setting up an aggregate would take as long again.
            INSERT INTO agent_run_count_changes (agent_name, bucket, runs)
            SELECT changed.agent_name, agent_run_bucket(changed.created_at), sign
            FROM changed;
        END IF;
    END IF;
    GET DIAGNOSTICS added = ROW_COUNT;
    -- One fold a thousand rows on average takes up to ten thousand, so it keeps up with any
    -- writers. Under a stricter isolation it might fail, and the writer with it.
    IF
        random() * 1000 < added
        AND current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable')
    THEN
        PERFORM fold_agent_run_counts(10000);
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION count_runs() IS
'Trigger of agent_runs: notes how many runs of which agents a statement added or removed';

CREATE FUNCTION count_no_runs() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'TRUNCATE of agent_runs is refused in an isolated transaction'
        USING
            ERRCODE = 'feature_not_supported',
            HINT = 'Its snapshot may not see all that TRUNCATE removes: use READ COMMITTED.';
    END IF;
    PERFORM pg_advisory_xact_lock(7307);
    DELETE FROM agent_run_count_changes;
    DELETE FROM agent_run_counts;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION count_no_runs() IS
'Trigger of agent_runs: after TRUNCATE, which nobody writes beside, all counts are zero';

CREATE FUNCTION recount_agent_runs() RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    counted bigint;
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'recount_agent_runs() is refused in an isolated transaction'
        USING
            ERRCODE = 'feature_not_supported',
            HINT = 'Its snapshot may be older than what it replaces: use READ COMMITTED.';
    END IF;
    -- In the order in which TRUNCATE takes them, which so can't wait for this in a circle.
    LOCK TABLE agent_runs IN ACCESS SHARE MODE;
    PERFORM pg_advisory_xact_lock(7307);
    DELETE FROM agent_run_counts;
    -- In one snapshot, so a run and the change that stands for it are both seen or neither,
    -- and nobody folds meanwhile: what is not seen here is added to what is.
    WITH forgotten AS (
        DELETE FROM agent_run_count_changes
    ),

    counted AS (
        INSERT INTO agent_run_counts (bucket, agent_name, runs)
        SELECT coalesce(bucket, '-infinity'), agent_name, sum(runs)
        FROM (
            SELECT agent_run_bucket(created_at) AS bucket, agent_name, count(*) AS runs
            FROM agent_runs
            GROUP BY 1, 2
        ) AS existing
        GROUP BY GROUPING SETS ((agent_name, bucket), (agent_name))
        ORDER BY 1, 2
        RETURNING bucket, runs
    )

    SELECT coalesce(sum(runs), 0) INTO counted FROM counted WHERE bucket = '-infinity';
    RETURN counted;
END;
$$;

COMMENT ON FUNCTION recount_agent_runs() IS
'Counts all runs anew while others write, which is never needed unless triggers were disabled';

CREATE TRIGGER count_inserted
AFTER INSERT ON agent_runs
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_runs();

CREATE TRIGGER count_deleted
AFTER DELETE ON agent_runs
REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_runs();

-- By row, as PATCH changes neither column and so costs no call.
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
FOR EACH STATEMENT EXECUTE FUNCTION count_no_runs();
