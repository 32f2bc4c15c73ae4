-- Gives the workers the settings of the service's sessions: what a session sets on the coordinator
-- does not reach them. The coordinator keeps more connections to each worker than one, unless a DBA
-- has set how many: to open them for each transaction took up to six times the CPU of the workers.
-- Citus gives the functions of a new worker to PUBLIC: takes them back where the coordinator has.
-- params: none
-- index: none
-- locks: none
-- returns: an error when a worker refused one
DO $$
DECLARE
    guarded regprocedure;
    refused record;
BEGIN
    FOR guarded IN
        SELECT pg_proc.oid FROM pg_proc
        INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
        WHERE
            pg_namespace.nspname IN (current_schema(), 'os_core', 'audit', 'telemetry_views')
            AND pg_proc.proacl IS NOT NULL
            AND NOT EXISTS (SELECT FROM aclexplode(pg_proc.proacl) AS acl WHERE acl.grantee = 0)
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM public', guarded);
    END LOOP;
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
