-- What agents did: one row per run, created once and updated while the run is in progress.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

CREATE TABLE agent_runs (
    event_id text NOT NULL,
    run_id text NOT NULL,
    agent_name text NOT NULL,
    job_type text NOT NULL,
    status text NOT NULL DEFAULT 'running',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    duration_ms bigint NOT NULL DEFAULT 0,
    items_discovered bigint NOT NULL DEFAULT 0,
    items_succeeded bigint NOT NULL DEFAULT 0,
    items_failed bigint NOT NULL DEFAULT 0,
    items_skipped bigint NOT NULL DEFAULT 0,
    product text,
    product_family text,
    platform text,
    subdomain text,
    website text,
    website_section text,
    item_name text,
    git_repo text,
    git_branch text,
    git_commit_hash text,
    git_run_tag text,
    git_commit_source text,
    git_commit_author text,
    git_commit_timestamp timestamptz,
    input_summary text,
    output_summary text,
    source_ref text,
    target_ref text,
    error_summary text,
    error_details text,
    host text,
    environment text,
    trigger_type text,
    metrics_json jsonb,
    context_json jsonb,
    insight_id text,
    parent_run_id text,
    api_posted boolean NOT NULL DEFAULT FALSE,
    api_posted_at timestamptz,
    api_retry_count bigint NOT NULL DEFAULT 0,
    changed_fields text[] NOT NULL DEFAULT '{}',
    CONSTRAINT agent_runs_pkey PRIMARY KEY (event_id),
    CONSTRAINT agent_runs_event_id_check
    CHECK (length(event_id) BETWEEN 1 AND 255 AND event_id !~ '[[:space:][:cntrl:]/]'),
    CONSTRAINT agent_runs_run_id_check CHECK (length(run_id) BETWEEN 1 AND 255),
    CONSTRAINT agent_runs_agent_name_check CHECK (length(agent_name) BETWEEN 1 AND 255),
    CONSTRAINT agent_runs_job_type_check CHECK (length(job_type) BETWEEN 1 AND 255),
    CONSTRAINT agent_runs_status_check
    CHECK (status IN ('running', 'success', 'failure', 'partial', 'timeout', 'cancelled')),
    CONSTRAINT agent_runs_duration_ms_check CHECK (duration_ms >= 0),
    CONSTRAINT agent_runs_items_discovered_check CHECK (items_discovered >= 0),
    CONSTRAINT agent_runs_items_succeeded_check CHECK (items_succeeded >= 0),
    CONSTRAINT agent_runs_items_failed_check CHECK (items_failed >= 0),
    CONSTRAINT agent_runs_items_skipped_check CHECK (items_skipped >= 0),
    CONSTRAINT agent_runs_api_retry_count_check CHECK (api_retry_count >= 0),
    CONSTRAINT agent_runs_git_commit_source_check
    CHECK (git_commit_source IN ('manual', 'llm', 'ci')),
    CONSTRAINT agent_runs_metrics_json_check CHECK (jsonb_typeof(metrics_json) = 'object'),
    CONSTRAINT agent_runs_context_json_check CHECK (jsonb_typeof(context_json) = 'object')
);

COMMENT ON TABLE agent_runs IS
'What agents did: one row per run, created once and updated while the run is in progress';
COMMENT ON COLUMN agent_runs.event_id IS
'Chosen by the agent; a create that repeats it inserts nothing';
COMMENT ON COLUMN agent_runs.run_id IS 'The agent''s own name for the run; not unique';
COMMENT ON COLUMN agent_runs.job_type IS 'Kind of work, in the agent''s words';
COMMENT ON COLUMN agent_runs.status IS
'running until the agent reports one of the outcomes in agent_runs_status_check';
COMMENT ON COLUMN agent_runs.created_at IS
'As sent by the agent; if it sent none, when the row was inserted';
COMMENT ON COLUMN agent_runs.updated_at IS
'When the row last changed, by this database''s clock; never moves backwards';
COMMENT ON COLUMN agent_runs.start_time IS 'When the run began, by the agent''s clock';
COMMENT ON COLUMN agent_runs.end_time IS 'When the run ended, by the agent''s clock';
COMMENT ON COLUMN agent_runs.duration_ms IS 'Milliseconds, as measured by the agent';
COMMENT ON COLUMN agent_runs.items_discovered IS 'Items that the run found to work on';
COMMENT ON COLUMN agent_runs.items_succeeded IS 'Items that were completed';
COMMENT ON COLUMN agent_runs.items_failed IS 'Items that were tried and failed';
COMMENT ON COLUMN agent_runs.items_skipped IS 'Items that were left out on purpose';
COMMENT ON COLUMN agent_runs.git_repo IS
'URL of the repository; links to commits are derived from it when a run is read';
COMMENT ON COLUMN agent_runs.git_run_tag IS 'Tag that the agent put on the run''s commits';
COMMENT ON COLUMN agent_runs.git_commit_source IS
'Who made the commit: manual, llm or ci';
COMMENT ON COLUMN agent_runs.source_ref IS 'What the run read from';
COMMENT ON COLUMN agent_runs.target_ref IS 'What the run wrote to';
COMMENT ON COLUMN agent_runs.error_details IS 'Long text, such as a traceback';
COMMENT ON COLUMN agent_runs.trigger_type IS 'What started the run, in the agent''s words';
COMMENT ON COLUMN agent_runs.metrics_json IS 'Object of measurements, in any shape';
COMMENT ON COLUMN agent_runs.context_json IS 'Object about the run''s surroundings, in any shape';
COMMENT ON COLUMN agent_runs.insight_id IS 'The insight that led to the run';
COMMENT ON COLUMN agent_runs.parent_run_id IS 'run_id of the run that started this one';
COMMENT ON COLUMN agent_runs.api_posted IS
'Whether the agent has also posted the run to another API';
COMMENT ON COLUMN agent_runs.api_posted_at IS 'When the agent posted it there';
COMMENT ON COLUMN agent_runs.api_retry_count IS 'How many times the agent retried that post';
COMMENT ON COLUMN agent_runs.changed_fields IS
'Columns changed since the create; a repeated create may differ in them without a conflict';

CREATE INDEX ix_agent_runs_created_at ON agent_runs (created_at DESC, event_id DESC);
COMMENT ON INDEX ix_agent_runs_created_at IS
'sql/runs/list.sql without a filter; the two columns are its cursor';

CREATE INDEX ix_agent_runs_status_created_at ON agent_runs (status, created_at DESC);
COMMENT ON INDEX ix_agent_runs_status_created_at IS 'sql/runs/list.sql by status';

CREATE INDEX ix_agent_runs_job_type_created_at ON agent_runs (job_type, created_at DESC);
COMMENT ON INDEX ix_agent_runs_job_type_created_at IS
'sql/runs/list.sql by job type, and the job types in sql/runs/metadata.sql';

CREATE INDEX ix_agent_runs_start_time ON agent_runs (start_time);
COMMENT ON INDEX ix_agent_runs_start_time IS 'sql/runs/list.sql by start time';

CREATE INDEX ix_agent_runs_run_id ON agent_runs (run_id);
COMMENT ON INDEX ix_agent_runs_run_id IS 'sql/runs/list.sql by run_id';

-- The next index and the last one end in event_id, so a page is found in the index alone and only
-- the runs on the page are read.
CREATE INDEX ix_agent_runs_agent_name_status_newest
ON agent_runs (agent_name, status, created_at DESC, event_id DESC);
COMMENT ON INDEX ix_agent_runs_agent_name_status_newest IS
'sql/runs/list.sql by agent and status';

-- Cut to 255 characters, because a btree entry has a size limit and parent_run_id has none. Not a
-- hash index: all runs of a parent share one chain of its pages, which every insert walks.
CREATE INDEX ix_agent_runs_parent_run_id_created_at
ON agent_runs (left(parent_run_id, 255), created_at DESC)
WHERE parent_run_id IS NOT NULL;
COMMENT ON INDEX ix_agent_runs_parent_run_id_created_at IS 'sql/runs/list.sql by parent';

CREATE INDEX ix_agent_runs_agent_name_newest
ON agent_runs (agent_name, created_at DESC, event_id DESC);
COMMENT ON INDEX ix_agent_runs_agent_name_newest IS
'sql/runs/list.sql by agent, and the names in sql/runs/metadata.sql';
