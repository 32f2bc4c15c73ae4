-- Takes from the workers and the coordinator the settings that distribute gave them, unless a DBA
-- has changed them since.
-- params: none
-- index: none
-- locks: none
-- returns: an error when a worker refused one
DO $$
DECLARE
    take CONSTANT text := $command$
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
            marks CONSTANT text[] := ARRAY[
                'telemetry.settings_given', 'telemetry.worker_settings_given'
            ];
            mark text;
            entry text;
        BEGIN
            SET LOCAL citus.enable_ddl_propagation = off;
            FOR entry IN
                SELECT unnest(string_to_array(substr(marked, strpos(marked, '=') + 1), ','))
                FROM unnest(known) AS marked
                WHERE split_part(marked, '=', 1) = any(marks)
            LOOP
                IF entry = any(known) THEN
                    EXECUTE format(
                        'ALTER DATABASE %I RESET %s', current_database(), split_part(entry, '=', 1)
                    );
                END IF;
            END LOOP;
            FOREACH mark IN ARRAY marks LOOP
                EXECUTE format('ALTER DATABASE %I RESET %s', current_database(), mark);
            END LOOP;
        END
        $do$
    $command$;
    refused record;
BEGIN
    EXECUTE take;
    SELECT found.nodename, found.nodeport, found.result INTO refused
    FROM run_command_on_workers(take) AS found
    WHERE NOT found.success
    LIMIT 1;
    IF found THEN
        RAISE EXCEPTION 'worker %:%: %', refused.nodename, refused.nodeport, refused.result;
    END IF;
END
$$;
