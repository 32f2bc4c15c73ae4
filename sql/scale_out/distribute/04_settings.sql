-- Gives the workers the settings of the service's sessions: what a session sets on the coordinator
-- does not reach them. Without constraint_exclusion, statements on partitions are planned faster, and
-- no CHECK says in which partition a row is.
-- params: none
-- index: none
-- locks: none
-- returns: an error when a worker refused one
DO $$
DECLARE
    refused record;
BEGIN
    SELECT found.nodename, found.nodeport, found.result INTO refused
    FROM run_command_on_workers(format(
        $command$
            DO $do$
            BEGIN
                SET LOCAL citus.enable_ddl_propagation = off;
                ALTER DATABASE %1$I SET enable_seqscan = off;
                ALTER DATABASE %1$I SET jit = off;
                ALTER DATABASE %1$I SET constraint_exclusion = off;
                ALTER DATABASE %1$I SET timezone = 'UTC';
            END
            $do$
        $command$,
        current_database()
    )) AS found
    WHERE NOT found.success
    LIMIT 1;
    IF found THEN
        RAISE EXCEPTION 'worker %:%: %', refused.nodename, refused.nodeport, refused.result;
    END IF;
END
$$;
