-- Gives the workers the settings of the service's sessions: what a session sets on the coordinator
-- does not reach them. Without constraint_exclusion, statements on partitions are planned faster,
-- and no CHECK says in which partition a row is. The coordinator keeps more connections to each
-- worker than one: to open them for each transaction took up to six times the CPU of the workers.
-- What a DBA has set stays; a setting of each database lists what this step has set there, for
-- undistribute. Workers have one of another name, because a new worker gets the coordinator's.
-- Citus gives the functions of a new worker to PUBLIC: takes them back where the coordinator has.
-- params: none
-- index: none
-- locks: none
-- returns: an error when a worker refused one, or has another TimeZone for this database
DO $$
DECLARE
    give CONSTANT text := $command$
        DO $do$
        DECLARE
            known text[] := coalesce(
                (
                    SELECT setconfig FROM pg_db_role_setting
                    WHERE
                        setrole = 0
                        AND setdatabase = (
                            SELECT oid FROM pg_database WHERE datname = current_database()
                        )
                ),
                '{}'
            );
            mark CONSTANT text := %2$L;
            given text[] := coalesce(
                (
                    SELECT string_to_array(substr(entry, length(mark) + 2), ',')
                    FROM unnest(known) AS entry
                    WHERE starts_with(entry, mark || '=') AND length(entry) > length(mark) + 1
                ),
                '{}'
            );
            entry text;
        BEGIN
            SET LOCAL citus.enable_ddl_propagation = off;
            FOREACH entry IN ARRAY %1$L::text[] LOOP
                IF NOT split_part(entry, '=', 1) = any(
                    SELECT split_part(other, '=', 1) FROM unnest(known) AS other
                ) THEN
                    EXECUTE format(
                        'ALTER DATABASE %%I SET %%s = %%L',
                        current_database(), split_part(entry, '=', 1), split_part(entry, '=', 2)
                    );
                    given := array_remove(given, entry) || entry;
                ELSIF entry = 'TimeZone=UTC' AND NOT known && ARRAY[entry, 'TimeZone=Etc/UTC'] THEN
                    RAISE EXCEPTION 'the database has another TimeZone than UTC: ALTER DATABASE %%'
                    ' RESET TimeZone', quote_ident(current_database());
                END IF;
            END LOOP;
            EXECUTE format(
                'ALTER DATABASE %%I SET %%s = %%L',
                current_database(), mark, array_to_string(given, ',')
            );
        END
        $do$
    $command$;
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
    EXECUTE format(
        give,
        CASE
            WHEN EXISTS (
                SELECT FROM pg_settings
                WHERE name = 'citus.max_cached_conns_per_worker' AND source = 'default'
            )
                THEN ARRAY['citus.max_cached_conns_per_worker=16']
            ELSE '{}'
        END,
        'telemetry.settings_given'
    );
    SELECT found.nodename, found.nodeport, found.result INTO refused
    FROM run_command_on_workers(
        format(
            give,
            ARRAY['enable_seqscan=off', 'jit=off', 'constraint_exclusion=off', 'TimeZone=UTC'],
            'telemetry.worker_settings_given'
        )
    ) AS found
    WHERE NOT found.success
    LIMIT 1;
    IF found THEN
        RAISE EXCEPTION 'worker %:%: %', refused.nodename, refused.nodeport, refused.result;
    END IF;
END
$$;
