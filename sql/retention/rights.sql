-- Lists the rights that sql/roles/retention.sql grants, and whether a role has them.
-- params: role
-- index: system catalogue
-- locks: none
-- returns: name, privilege and granted (NULL when the table does not exist), by name
SELECT
    needed.name,
    needed.privilege,
    has_table_privilege(%(role)s::text, to_regclass(needed.name), needed.privilege) AS granted
FROM (
    VALUES
    ('agent_runs', 'DELETE'),
    ('runtime_events', 'DELETE'),
    ('retention_passes', 'INSERT'),
    ('retention_passes', 'UPDATE'),
    ('runtime_events_pruned', 'INSERT'),
    ('runtime_events_pruned', 'UPDATE')
) AS needed (name, privilege)
ORDER BY
    needed.name,
    needed.privilege;
