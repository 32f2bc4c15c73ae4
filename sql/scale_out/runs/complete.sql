-- Completes a run that is running with a record that has ended: every field that the record carries
-- replaces the stored one, whatever a PATCH said before. A record that is running, or a run that
-- has ended, changes nothing. The caller sends the runs of a batch in the order of event_id, so
-- that two batches never deadlock.
-- params: runs (JSON array of one object with the fields that were sent), agents (array: only runs
-- of one of them; NULL: of any), event_id (that of the object)
-- index: agent_runs_pkey
-- locks: the row of the run that it completes
-- returns: event_id and fields_updated (sorted names), one row when it completed the run
WITH merged AS MATERIALIZED (
    SELECT
        stored.event_id,
        sent.record,
        to_jsonb(stored.*) AS before,
        json_populate_record(stored.*, sent.record) AS run
    FROM json_array_elements(%(runs)s::json) AS sent (record)
    INNER JOIN agent_runs AS stored ON sent.record ->> 'event_id' = stored.event_id
    WHERE
        stored.status = 'running'
        AND stored.event_id = %(event_id)s
        AND sent.record ->> 'status' <> 'running'
        AND (%(agents)s::text[] IS NULL OR stored.agent_name = any(%(agents)s::text[]))
    ORDER BY stored.event_id COLLATE "C"
    FOR UPDATE OF stored
),

ended AS MATERIALIZED (
    SELECT
        merged.event_id,
        merged.record,
        merged.run,
        array(
            SELECT field.key
            FROM jsonb_each(to_jsonb(merged.run)) AS field
            WHERE field.value IS DISTINCT FROM merged.before -> field.key
            ORDER BY field.key
        ) AS fields_updated
    FROM merged
)

UPDATE agent_runs AS stored
SET
    run_id = (ended.run).run_id,
    agent_name = (ended.run).agent_name,
    job_type = (ended.run).job_type,
    status = (ended.run).status,
    created_at = (ended.run).created_at,
    start_time = (ended.run).start_time,
    end_time = (ended.run).end_time,
    duration_ms = (ended.run).duration_ms,
    items_discovered = (ended.run).items_discovered,
    items_succeeded = (ended.run).items_succeeded,
    items_failed = (ended.run).items_failed,
    items_skipped = (ended.run).items_skipped,
    product = (ended.run).product,
    product_family = (ended.run).product_family,
    platform = (ended.run).platform,
    subdomain = (ended.run).subdomain,
    website = (ended.run).website,
    website_section = (ended.run).website_section,
    item_name = (ended.run).item_name,
    git_repo = (ended.run).git_repo,
    git_branch = (ended.run).git_branch,
    git_commit_hash = (ended.run).git_commit_hash,
    git_run_tag = (ended.run).git_run_tag,
    git_commit_source = (ended.run).git_commit_source,
    git_commit_author = (ended.run).git_commit_author,
    git_commit_timestamp = (ended.run).git_commit_timestamp,
    input_summary = (ended.run).input_summary,
    output_summary = (ended.run).output_summary,
    source_ref = (ended.run).source_ref,
    target_ref = (ended.run).target_ref,
    error_summary = (ended.run).error_summary,
    error_details = (ended.run).error_details,
    host = (ended.run).host,
    environment = (ended.run).environment,
    trigger_type = (ended.run).trigger_type,
    metrics_json = (ended.run).metrics_json,
    context_json = (ended.run).context_json,
    insight_id = (ended.run).insight_id,
    parent_run_id = (ended.run).parent_run_id,
    api_posted = (ended.run).api_posted,
    api_posted_at = (ended.run).api_posted_at,
    api_retry_count = (ended.run).api_retry_count,
    changed_fields = array(
        SELECT unnest(stored.changed_fields) AS name
        EXCEPT
        SELECT json_object_keys(ended.record)
        ORDER BY name
    ),
    completed_fields = array(
        SELECT unnest(stored.completed_fields || ended.fields_updated) AS name
        UNION
        SELECT unnest(stored.changed_fields)
        INTERSECT
        SELECT json_object_keys(ended.record)
        ORDER BY name
    ),
    updated_at = greatest(
        statement_timestamp(),
        (stored.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC'
    ),
    change_number = nullif(current_setting('telemetry.change_number', TRUE), '')::bigint
FROM ended
WHERE
    stored.event_id = ended.event_id
    AND stored.event_id = %(event_id)s
RETURNING stored.event_id, ended.fields_updated;
