-- Lists the rights that retention needs and this role does not have: those of
-- sql/roles/retention.sql. A right on some columns counts. A table that does not exist is left out.
-- params: domain
-- index: system catalogue
-- locks: none
-- returns: name and privilege, by both
SELECT
    needed.name,
    needed.privilege
FROM (
    VALUES
    ('agent_runs', 'agent_runs', 'DELETE'),
    ('agent_runs', 'retention_passes', 'INSERT'),
    ('agent_runs', 'retention_passes', 'UPDATE'),
    ('runtime_events', 'runtime_events', 'DELETE'),
    ('runtime_events', 'retention_passes', 'INSERT'),
    ('runtime_events', 'retention_passes', 'UPDATE'),
    ('runtime_events', 'runtime_events_pruned', 'INSERT'),
    ('runtime_events', 'runtime_events_pruned', 'UPDATE')
) AS needed (domain, name, privilege)
CROSS JOIN LATERAL (SELECT to_regclass(needed.name) AS oid) AS found
WHERE
    needed.domain = %(domain)s
    AND CASE
        WHEN needed.privilege = 'DELETE'
            THEN NOT has_table_privilege(found.oid, needed.privilege)
        ELSE NOT has_any_column_privilege(found.oid, needed.privilege)
    END
ORDER BY
    needed.name,
    needed.privilege;
