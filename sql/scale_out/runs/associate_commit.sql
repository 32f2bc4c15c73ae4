-- Records the git commit that a run produced. An author or a time that is NULL stays unchanged.
-- params: event_id, commit_hash, commit_source, commit_author, commit_timestamp,
-- agents (array: only a run of one of them; NULL: of any)
-- index: agent_runs_pkey
-- locks: the run's row
-- returns: run_id; no row: the run does not exist, or is of another agent
UPDATE agent_runs
SET
    git_commit_hash = %(commit_hash)s,
    git_commit_source = %(commit_source)s,
    git_commit_author = coalesce(%(commit_author)s, git_commit_author),
    git_commit_timestamp = coalesce(%(commit_timestamp)s, git_commit_timestamp),
    changed_fields = array(
        SELECT unnest(changed_fields)
        UNION
        SELECT unnest(ARRAY['git_commit_hash', 'git_commit_source'])
        UNION
        SELECT 'git_commit_author'
        WHERE %(commit_author)s::text IS NOT NULL
        UNION
        SELECT 'git_commit_timestamp'
        WHERE %(commit_timestamp)s::timestamptz IS NOT NULL
        ORDER BY 1
    ),
    updated_at = greatest(
        statement_timestamp(),
        (agent_runs.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC'
    ),
    change_number = nullif(current_setting('telemetry.change_number', TRUE), '')::bigint
WHERE
    event_id = %(event_id)s
    AND (%(agents)s::text[] IS NULL OR agent_name = any(%(agents)s::text[]))
RETURNING run_id;
