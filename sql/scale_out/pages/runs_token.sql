-- Returns a token that stays the same only while no run changes: the position of a follower of the
-- feed that has seen every change, and how many runs there are. Why nothing is missed:
-- 1. A run that was created or changed has a new number, above all that were visible in its lane
--    (migration 0016), however long its transaction was open. So the highest number of that lane
--    has grown, if the run still exists.
-- 2. When no run is new or changed, some can only be gone, and then there are fewer. Triggers count
--    them in the transaction that writes them (migration 0004).
-- So writes to other tables, such as those of the rate limit, leave a page of runs unchanged. What
-- a DBA deletes or changes with the triggers switched off
-- (session_replication_role) shows when the next minute begins, which the ETag has too.
-- The start of the server tells a server from the one that it took over from.
-- params: none
-- index: ix_agent_runs_change_number, one entry of each lane; agent_run_counts_pkey, one entry of
-- each agent; the changes that are not folded into the counts yet, about 1,000, have none
-- limits: those of subqueries hold per shard (citus.subquery_pushdown)
-- locks: none
-- returns: token
WITH newest AS MATERIALIZED (
    SELECT
        every_lane.lane,
        max(change.change_number) AS change_number
    FROM generate_series(0, 63) AS every_lane (lane)
    CROSS JOIN
        LATERAL (
            SELECT change_number FROM agent_runs
            WHERE
                change_number > 0
                AND change_number > every_lane.lane * 100000000000000000
                AND change_number < (every_lane.lane + 1) * 100000000000000000
            ORDER BY change_number DESC
            LIMIT 1
        ) AS change
    GROUP BY every_lane.lane
    ORDER BY every_lane.lane
    LIMIT 64
),

counted AS MATERIALIZED (
    SELECT coalesce(sum(runs), 0) AS runs FROM agent_run_counts
    WHERE bucket = '-infinity'
),

changed AS MATERIALIZED (
    SELECT coalesce(sum(runs), 0) AS runs FROM agent_run_count_changes
)

SELECT
    concat_ws(
        ' ',
        pg_postmaster_start_time(),
        current_database(),
        (SELECT counted.runs + changed.runs FROM counted CROSS JOIN changed),
        (SELECT string_agg(newest.change_number::text, ' ' ORDER BY newest.lane) FROM newest)
    ) AS token;
