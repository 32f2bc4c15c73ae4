-- Lists what others have put on tables of the service, or on their partitions, and a command that
-- makes these tables again elsewhere can't carry over: it would be lost or act in another way.
-- params: tables (names, as the search path finds them)
-- index: system catalogue
-- locks: none
-- returns: obstacle, one row for each
WITH placed AS (
    SELECT
        pg_class.oid,
        pg_class.relrowsecurity
    FROM pg_class
    WHERE
        pg_class.oid IN (SELECT to_regclass(unnest(%(tables)s::text[])))
        OR EXISTS (
            SELECT FROM pg_inherits
            WHERE
                pg_inherits.inhrelid = pg_class.oid
                AND pg_inherits.inhparent IN (SELECT to_regclass(unnest(%(tables)s::text[])))
        )
),

found AS (
    SELECT
        'trigger ' || pg_trigger.tgname AS what,
        placed.oid
    FROM pg_trigger
    INNER JOIN placed ON pg_trigger.tgrelid = placed.oid
    WHERE
        NOT pg_trigger.tgisinternal
        AND pg_trigger.tgparentid = 0
        AND pg_trigger.tgname NOT IN (
            'begin_chain',
            'count_deleted',
            'count_inserted',
            'count_moved',
            'count_truncated',
            'keep_runtime_event_id',
            'mirror_runtime_event',
            'mirror_truncate',
            'number_changed_run',
            'number_runtime_event',
            'record_runtime_event_id',
            'refuse_change',
            'refuse_tenant_change',
            'refuse_truncate',
            'refuse_undone_end'
        )
    UNION ALL
    SELECT
        'policy ' || pg_policy.polname,
        placed.oid
    FROM pg_policy
    INNER JOIN placed ON pg_policy.polrelid = placed.oid
    UNION ALL
    SELECT
        'row-level security',
        placed.oid
    FROM placed
    WHERE placed.relrowsecurity
    UNION ALL
    SELECT
        'rule ' || pg_rewrite.rulename,
        placed.oid
    FROM pg_rewrite
    INNER JOIN placed ON pg_rewrite.ev_class = placed.oid
)

SELECT
    found.what || ' on ' || CASE count(*)
        WHEN 1 THEN min(found.oid::regclass::text)
        ELSE count(*) || ' tables'
    END AS obstacle
FROM found
GROUP BY found.what
ORDER BY obstacle;
