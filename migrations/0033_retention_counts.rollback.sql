SET LOCAL lock_timeout = '5s';

-- The function below takes this search_path (SET … FROM CURRENT), whatever its caller has.
DO $$
BEGIN
    PERFORM set_config('search_path', quote_ident(current_schema()) || ', pg_temp', TRUE);
END;
$$;

CREATE OR REPLACE FUNCTION fold_agent_run_counts(row_limit bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    folded bigint;
    emptied bigint;
BEGIN
    -- One transaction at a time does this; the others go on without waiting.
    IF NOT pg_try_advisory_xact_lock(7307) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM agent_run_count_changes
        WHERE ctid = any(
            ARRAY(
                SELECT change.ctid
                FROM agent_run_count_changes AS change
                LIMIT fold_agent_run_counts.row_limit
            )
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
