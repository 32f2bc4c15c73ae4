-- Gives the workers the settings of the service's sessions: what a session sets on the coordinator
-- does not reach them. The coordinator keeps more connections to each worker than one, unless a DBA
-- has set how many: to open them for each transaction took up to six times the CPU of the workers.
-- params: none
-- index: none
-- locks: none
-- returns: an error when a worker refused one
DO $$
DECLARE
    refused record;
BEGIN
    SET LOCAL citus.enable_ddl_propagation = off;
    IF EXISTS (
        SELECT FROM pg_settings
        WHERE name = 'citus.max_cached_conns_per_worker' AND source = 'default'
    ) THEN
        EXECUTE format(
            'ALTER DATABASE %I SET citus.max_cached_conns_per_worker = 16', current_database()
        );
    END IF;
    SELECT found.nodename, found.nodeport, found.result INTO refused
    FROM run_command_on_workers(format(
        $command$
            DO $do$
            BEGIN
                SET LOCAL citus.enable_ddl_propagation = off;
                ALTER DATABASE %1$I SET enable_seqscan = off;
                ALTER DATABASE %1$I SET jit = off;
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
