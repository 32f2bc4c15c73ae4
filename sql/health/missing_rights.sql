-- Lists what requests need and this role does not have: tables and sequences that do not exist for
-- it, and rights. A right on some columns counts: a DBA may grant no more. A trigger's function may
-- run without one. Of the functions in the schema public, which extensions share, the names are
-- listed.
-- The counts of runs are written by functions that run as their owner. The tables of the rate limit
-- and of the passes of retention are not in the list, because requests go on without them.
-- params: domains (array of the domains that the database keeps)
-- index: system catalogue
-- locks: none
-- returns: name, privilege and missing (true when the object does not exist), by name
SELECT
    needed.name,
    needed.privilege,
    found.oid IS NULL AS missing
FROM (
    VALUES
    ('agent_runs', 'agent_runs', 'SELECT'),
    ('agent_runs', 'agent_runs', 'INSERT'),
    ('agent_runs', 'agent_runs', 'UPDATE'),
    ('agent_runs', 'agent_runs_change_seq', 'USAGE'),
    ('agent_runs', 'agent_run_counts', 'SELECT'),
    ('agent_runs', 'agent_run_count_changes', 'SELECT'),
    ('agent_runs', 'api_tokens', 'SELECT'),
    ('runtime_events', 'runtime_events', 'SELECT'),
    ('runtime_events', 'runtime_events', 'INSERT'),
    ('runtime_events', 'runtime_events_pruned', 'SELECT'),
    ('runtime_events', 'runtime_events_number_seq', 'USAGE'),
    ('audio_runtime', 'os_core.devices', 'SELECT'),
    ('audio_runtime', 'os_core.devices', 'INSERT'),
    ('audio_runtime', 'os_core.devices', 'UPDATE'),
    ('audio_runtime', 'os_core.sessions', 'SELECT'),
    ('audio_runtime', 'os_core.sessions', 'INSERT'),
    ('audio_runtime', 'os_core.sessions', 'UPDATE'),
    ('audio_runtime', 'os_core.audio_runtime_events', 'SELECT'),
    ('audio_runtime', 'os_core.audio_runtime_events', 'INSERT'),
    ('audio_runtime', 'os_core.audio_runtime_events_event_id_seq', 'USAGE'),
    ('audio_runtime', 'os_core.audio_runtime_events_feed_seq', 'USAGE'),
    ('audio_runtime', 'os_core.audio_runtime_heads', 'SELECT'),
    ('audio_runtime', 'os_core.audio_runtime_heads', 'INSERT'),
    ('audio_runtime', 'os_core.audio_runtime_heads', 'UPDATE'),
    ('audio_runtime', 'os_core.audio_runtime_current', 'SELECT'),
    ('audio_runtime', 'os_core.audio_runtime_current', 'INSERT'),
    ('audio_runtime', 'os_core.audio_runtime_current', 'UPDATE'),
    ('audio_runtime', 'os_core.audio_runtime_current', 'DELETE'),
    ('audio_runtime', 'audio_runtime_verifications', 'SELECT'),
    ('audio_runtime', 'audit.audit_events', 'SELECT'),
    ('audio_runtime', 'audit.audit_events', 'INSERT')
) AS needed (domain, name, privilege)
CROSS JOIN LATERAL (SELECT to_regclass(needed.name) AS oid) AS found
WHERE
    needed.domain = any(%(domains)s::text[])
    AND CASE
        WHEN found.oid IS NULL THEN TRUE
        WHEN needed.privilege = 'USAGE'
            THEN NOT has_sequence_privilege(found.oid, needed.privilege)
        WHEN needed.privilege = 'DELETE'
            THEN NOT has_table_privilege(found.oid, needed.privilege)
        ELSE NOT has_any_column_privilege(found.oid, needed.privilege)
    END
UNION ALL
SELECT
    pg_proc.oid::regprocedure::text,
    'EXECUTE',
    FALSE
FROM pg_proc
INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
WHERE
    pg_proc.prorettype <> 'trigger'::regtype
    AND NOT has_function_privilege(pg_proc.oid, 'EXECUTE')
    AND (
        pg_proc.oid IN (
            SELECT to_regprocedure(shared.name)
            FROM (
                VALUES
                ('agent_runs', 'take_lane(integer)'),
                ('agent_runs', 'agent_run_bucket(timestamptz)'),
                ('audio_runtime', 'take_lane(integer)'),
                ('runtime_events', 'runtime_event_weight(jsonb,numeric,numeric)'),
                ('runtime_events', 'last_given(regclass)')
            ) AS shared (domain, name)
            WHERE shared.domain = any(%(domains)s::text[])
        )
        OR (
            pg_namespace.nspname IN ('os_core', 'audit')
            AND 'audio_runtime' = any(%(domains)s::text[])
        )
    )
ORDER BY
    name,
    privilege;
