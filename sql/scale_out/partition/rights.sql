-- Lets the roles that may insert events add partitions, and those that may delete events do that by
-- dropping partitions. In the transaction of swap.sql.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: nothing
DO $$
DECLARE
    held record;
BEGIN
    FOR held IN
        SELECT DISTINCT
            acl.privilege_type,
            CASE acl.grantee WHEN 0 THEN 'public' ELSE acl.grantee::regrole::text END AS grantee
        FROM pg_class
        CROSS JOIN LATERAL aclexplode(pg_class.relacl) AS acl
        WHERE
            pg_class.oid = 'runtime_events'::regclass
            AND acl.privilege_type IN ('INSERT', 'DELETE')
    LOOP
        IF held.privilege_type = 'INSERT' THEN
            EXECUTE format(
                'GRANT EXECUTE ON FUNCTION add_runtime_events_partition(integer) TO %s',
                held.grantee
            );
        ELSE
            EXECUTE format(
                'GRANT EXECUTE ON FUNCTION drop_runtime_events_partition(timestamptz),'
                ' forget_runtime_event_ids(timestamptz, bigint, bigint) TO %s',
                held.grantee
            );
        END IF;
    END LOOP;
END;
$$;
