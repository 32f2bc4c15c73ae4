-- Counts the transactions in doubt: committed on the coordinator, but still prepared on a worker
-- that was lost in between. Citus commits them there when the worker is back, after up to
-- citus.recover_2pc_interval. Until then their rows are hidden, though their lanes are free again:
-- a follower could pass them. A transaction that is still active commits its part by itself, and
-- was looked for before the workers are asked. Run it before and after what a follower reads.
-- params: none
-- index: pg_dist_transaction_unique_constraint
-- locks: none
-- returns: one row: transactions, how many; NULL when a worker does not respond
SELECT
    CASE
        WHEN bool_and(asked.success) IS NOT FALSE THEN count(committed.gid)
    END AS transactions
FROM (
    -- Of other roles it has no numbers.
    SELECT coalesce(array_agg(transaction_number), '{}') AS numbers
    FROM get_all_active_transactions()
    WHERE transaction_number > 0
) AS active
CROSS JOIN
    LATERAL run_command_on_workers(
        -- The CASE lets the workers be asked after that.
        CASE
            WHEN active.numbers IS NOT NULL
                THEN
                    $command$
                SELECT coalesce(json_agg(gid), '[]') FROM pg_prepared_xacts
                WHERE database = current_database() AND starts_with(gid, 'citus_0_')
            $command$
        END
    ) AS asked
LEFT JOIN LATERAL (
    SELECT known.gid
    FROM pg_dist_transaction AS known
    WHERE
        asked.success
        AND known.gid IN (SELECT json_array_elements_text(asked.result::json))
        AND NOT split_part(known.gid, '_', 4)::bigint = any(active.numbers)
) AS committed ON TRUE;
