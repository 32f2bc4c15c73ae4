-- Takes from the workers and the coordinator the settings that distribute gave them.
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
        SELECT FROM pg_db_role_setting
        WHERE
            setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND setrole = 0
            AND setconfig @> ARRAY['citus.max_cached_conns_per_worker=16']
    ) THEN
        EXECUTE format(
            'ALTER DATABASE %I RESET citus.max_cached_conns_per_worker', current_database()
        );
    END IF;
    SELECT found.nodename, found.nodeport, found.result INTO refused
    FROM run_command_on_workers(format(
        $command$
            DO $do$
            BEGIN
                SET LOCAL citus.enable_ddl_propagation = off;
                ALTER DATABASE %1$I RESET enable_seqscan;
                ALTER DATABASE %1$I RESET jit;
                ALTER DATABASE %1$I RESET timezone;
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
