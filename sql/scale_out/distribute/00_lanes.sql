-- Makes the function by which followers of distributed rows miss none. On one node a lane is free
-- only when all that its transaction wrote is visible. A transaction on several workers becomes
-- visible on one after the other; when a worker is lost meanwhile, its part stays prepared there
-- (in doubt) until Citus commits it, up to citus.recover_2pc_interval after the worker is back.
-- params: none
-- index: none
-- locks: none
-- returns: nothing

-- A lane is settled when every row that was numbered in it before the call is visible everywhere,
-- or never will be:
-- 1. Each transaction that held the lane when the call began has ended. It holds the lane until
--    each worker has committed, or was lost.
-- 2. After that, no transaction that the coordinator has committed is still prepared on a worker,
--    unless it is active and commits there by itself.
-- So read the highest numbers, call this, and read up to them, in three statements. It waits up to
-- 30 ms for transactions that are about to end. The rights of the owner show those of all roles.
CREATE OR REPLACE FUNCTION settled_lanes(lock_class integer, lanes bigint[]) RETURNS bigint[]
LANGUAGE plpgsql
STRICT
SECURITY DEFINER
SET search_path TO 'pg_catalog', 'pg_temp'
AS $$
DECLARE
    held text[];
    active text[];
    in_doubt boolean;
BEGIN
    FOR attempt IN 1..4 LOOP
        held := array(
            SELECT concat(lane_lock.objid, ' ', lane_lock.virtualtransaction)
            FROM pg_locks AS lane_lock
            WHERE
                lane_lock.locktype = 'advisory'
                AND lane_lock.database
                = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND lane_lock.classid::bigint = settled_lanes.lock_class
                AND lane_lock.objsubid = 2
                AND lane_lock.granted
                AND lane_lock.objid::bigint = any(settled_lanes.lanes)
                AND (
                    attempt = 1
                    OR concat(lane_lock.objid, ' ', lane_lock.virtualtransaction) = any(held)
                )
        );
        active := array(
            SELECT concat(transaction.process_id, '_', transaction.transaction_number)
            FROM get_all_active_transactions() AS transaction
            WHERE transaction.transaction_number > 0
        );
        SELECT
            coalesce(
                bool_or(
                    NOT asked.success
                    OR EXISTS (
                        SELECT FROM pg_dist_transaction AS committed
                        WHERE
                            committed.gid IN (
                                SELECT json_array_elements_text(
                                    CASE WHEN asked.success THEN asked.result::json ELSE '[]' END
                                )
                            )
                            AND concat(
                                split_part(committed.gid, '_', 3),
                                '_',
                                split_part(committed.gid, '_', 4)
                            ) <> all(active)
                    )
                ),
                FALSE
            )
        INTO in_doubt
        FROM run_command_on_workers($command$
            SELECT coalesce(json_agg(gid), '[]') FROM pg_prepared_xacts
            WHERE database = current_database() AND starts_with(gid, 'citus_0_')
        $command$) AS asked;
        EXIT WHEN held = '{}' AND NOT in_doubt;
        PERFORM pg_sleep(0.01) WHERE attempt < 4;
    END LOOP;
    IF in_doubt THEN
        RETURN '{}';
    END IF;
    RETURN array(
        SELECT lane FROM unnest(settled_lanes.lanes) AS lane
        WHERE lane::text <> all(SELECT split_part(unnest(held), ' ', 1))
    );
END;
$$;
COMMENT ON FUNCTION settled_lanes(integer, bigint[])
IS 'Which of the lanes have all their numbered rows visible on all workers';
