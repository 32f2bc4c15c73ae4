-- Lists what is missing for an id of runtime_events to be stored once: the primary key, and where
-- the table is partitioned, that of runtime_event_ids and the trigger of each partition.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: name, one row for each
WITH events AS (
    SELECT
        pg_class.oid,
        pg_class.relkind
    FROM pg_class
    WHERE pg_class.oid = to_regclass('runtime_events')
),

part AS (
    SELECT events.oid FROM events
    UNION ALL
    SELECT pg_inherits.inhrelid FROM pg_inherits
    INNER JOIN events ON pg_inherits.inhparent = events.oid
    WHERE events.relkind = 'p'
)

SELECT 'the primary key of ' || keyed.name || ' is missing' AS name
FROM events
CROSS JOIN
    LATERAL (
        SELECT CASE WHEN events.relkind = 'p' THEN 'runtime_event_ids' ELSE 'runtime_events' END
            AS name
    ) AS keyed
WHERE
    NOT EXISTS (
        SELECT FROM pg_index
        INNER JOIN pg_attribute
            ON
                pg_index.indrelid = pg_attribute.attrelid
                AND pg_index.indkey[0] = pg_attribute.attnum
        WHERE
            pg_index.indrelid = to_regclass(keyed.name)
            AND pg_index.indisunique
            AND pg_index.indisvalid
            AND pg_index.indpred IS NULL
            AND pg_index.indnkeyatts = 1
            AND pg_attribute.attname = 'id'
    )
UNION ALL
SELECT 'trigger ' || part.oid::regclass::text || '.record_runtime_event_id is missing or disabled'
FROM part
CROSS JOIN events
WHERE
    events.relkind = 'p'
    AND NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE
            pg_trigger.tgrelid = part.oid
            AND pg_trigger.tgname = 'record_runtime_event_id'
            AND pg_trigger.tgenabled IN ('A', 'O')
    )
ORDER BY name;
