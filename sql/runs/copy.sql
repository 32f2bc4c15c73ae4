-- Creates the runs of a batch by COPY, in four fifths of the CPU of create.sql. Fails as a whole
-- on a duplicate event_id; the caller then falls back to create.sql. The columns are in the order
-- of RunSchema's fields. COPY fills in no default, so a row has a value for every column; 'now' is
-- the time of the transaction.
-- params: none (the rows follow as CSV, sorted as in create.sql)
-- index: agent_runs_pkey refuses a duplicate
-- locks: the new rows; waits for a concurrent create of the same event_id
-- returns: nothing
COPY agent_runs (
    status,
    end_time,
    duration_ms,
    error_summary,
    error_details,
    output_summary,
    items_discovered,
    items_succeeded,
    items_failed,
    items_skipped,
    metrics_json,
    context_json,
    git_commit_source,
    git_commit_author,
    git_commit_timestamp,
    event_id,
    run_id,
    agent_name,
    job_type,
    start_time,
    created_at,
    product,
    product_family,
    platform,
    subdomain,
    website,
    website_section,
    item_name,
    git_repo,
    git_branch,
    git_commit_hash,
    git_run_tag,
    input_summary,
    source_ref,
    target_ref,
    host,
    environment,
    trigger_type,
    insight_id,
    parent_run_id,
    api_posted,
    api_posted_at,
    api_retry_count
) FROM STDIN WITH (FORMAT csv, NULL 'null', ESCAPE E'\\', ENCODING 'utf8');
