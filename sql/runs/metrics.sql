-- Counts the runs of each agent, and those created in the last 24 hours. Exact: adds up the counts
-- that triggers keep and the changes that are not folded into them yet. The 24 hours consist of
-- whole buckets of ten minutes and a part of the oldest bucket, whose runs are counted one by one.
-- Of the newest bucket, the runs dated in the future are subtracted: there are few or none.
-- After a restore or under replication, run SELECT recount_agent_runs() once.
-- params: none
-- index: agent_run_counts_pkey, ix_agent_runs_created_at for the runs counted one by one
-- locks: none
-- returns: agent_name, total_runs, recent_24h
SELECT
    part.agent_name,
    sum(part.runs)::bigint AS total_runs,
    sum(part.recent_runs)::bigint AS recent_24h
FROM (
    SELECT
        agent_name,
        runs,
        0 AS recent_runs
    FROM agent_run_counts
    WHERE bucket = '-infinity'
    UNION ALL
    SELECT
        agent_name,
        0 AS runs,
        runs AS recent_runs
    FROM agent_run_counts
    WHERE
        bucket >= agent_run_bucket(now() - interval '24 hours') + interval '10 minutes'
        AND bucket <= agent_run_bucket(now())
    UNION ALL
    SELECT
        agent_name,
        runs,
        CASE
            WHEN
                bucket >= agent_run_bucket(now() - interval '24 hours') + interval '10 minutes'
                AND bucket <= agent_run_bucket(now())
                THEN runs
            ELSE 0
        END AS recent_runs
    FROM agent_run_count_changes
    UNION ALL
    SELECT
        agent_name,
        0 AS runs,
        1 AS recent_runs
    FROM agent_runs
    WHERE
        created_at > now() - interval '24 hours'
        AND created_at < agent_run_bucket(now() - interval '24 hours') + interval '10 minutes'
    UNION ALL
    SELECT
        agent_name,
        0 AS runs,
        -1 AS recent_runs
    FROM agent_runs
    WHERE
        created_at > now()
        AND created_at < agent_run_bucket(now()) + interval '10 minutes'
) AS part
GROUP BY part.agent_name
HAVING sum(part.runs) <> 0
ORDER BY part.agent_name COLLATE "C";
