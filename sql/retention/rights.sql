-- Lists the rights that retention of a table takes beyond those of sql/roles/serve.sql, as
-- sql/roles/retention.sql grants them.
-- params: kinds (array of the tables), role (NULL: that of this connection)
-- index: system catalogue
-- locks: none
-- returns: name, privilege and granted (NULL when the table does not exist), by name
SELECT
    needed.name,
    needed.privilege,
    has_table_privilege(
        coalesce(%(role)s::text, current_user), to_regclass(needed.name), needed.privilege
    ) AS granted
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
) AS needed (kind, name, privilege)
WHERE needed.kind = any(%(kinds)s::text[])
ORDER BY
    needed.name,
    needed.privilege;
