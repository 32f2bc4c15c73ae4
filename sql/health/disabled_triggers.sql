-- Lists the triggers that keep the ledgers append-only and that are missing or disabled.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: name, as schema.table.trigger, one row for each
SELECT guard.relation || '.' || guard.name AS name
FROM (
    VALUES
    ('os_core.audio_runtime_events', 'refuse_change'),
    ('os_core.audio_runtime_events', 'refuse_truncate'),
    ('audit.audit_events', 'refuse_change'),
    ('audit.audit_events', 'refuse_truncate')
) AS guard (relation, name)
LEFT JOIN pg_trigger
    ON
        to_regclass(guard.relation) = pg_trigger.tgrelid
        AND guard.name = pg_trigger.tgname
        AND pg_trigger.tgenabled IN ('A', 'O')
WHERE pg_trigger.oid IS NULL
ORDER BY name;
