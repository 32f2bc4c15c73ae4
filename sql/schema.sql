-- The whole database, for reading. Generated from the migrations: `make schema`
-- writes this file, and a test fails when it differs from them. Do not edit it.
-- To create a database run `python -m telemetry migrate`, which also records what it applied.
--
-- A section per room, in the order of the migrations; what is shared comes first. In a room:
-- trigger functions, then each table with its constraints, indexes and triggers, then types and the
-- other functions. The views of analysts come last. Privileges are left out.

-- A function may call one that comes later.
SET check_function_bodies = off;


-- Room: shared

-- Trigger functions

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: its rows are only ever added',
        tg_op, tg_table_schema, tg_table_name
    USING
        ERRCODE = 'restrict_violation',
        HINT = 'Append a new event that says what is true now; the old one stays as it was said.';
END;
$$;
COMMENT ON FUNCTION public.refuse_change() IS 'Trigger of append-only tables: refuses UPDATE, DELETE and TRUNCATE from any role';

-- Functions

CREATE FUNCTION public.take_lane(lock_class integer) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    usual integer := pg_backend_pid() % 64;
BEGIN
    -- It is nearly always free, or held by this transaction already.
    IF pg_try_advisory_xact_lock(lock_class, usual) THEN
        RETURN usual;
    END IF;
    FOR lane IN 0..63 LOOP
        IF pg_try_advisory_xact_lock(lock_class, lane) THEN
            RETURN lane;
        END IF;
    END LOOP;
    PERFORM pg_advisory_xact_lock(lock_class, usual);
    RETURN usual;
END;
$$;
COMMENT ON FUNCTION public.take_lane(lock_class integer) IS 'A lane, from 0 to 63, that no other transaction holds until this one has ended. lock_class is the first key of its advisory lock: 7308 for agent_runs, 7309 for os_core.audio_runtime_events';

CREATE FUNCTION public.last_given(sequence regclass) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    given bigint;
BEGIN
    -- Of nothing but a sequence: a view would run its functions with the rights of this one.
    IF EXISTS (SELECT FROM pg_class WHERE oid = last_given.sequence AND relkind = 'S') THEN
        -- pg_sequence_last_value() does not know where a sequence that was not called begins.
        EXECUTE format(
            'SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM %s',
            last_given.sequence
        ) INTO given;
    END IF;
    RETURN given;
END;
$$;
COMMENT ON FUNCTION public.last_given(sequence regclass) IS 'The value that a sequence gave last, or the one below its first; NULL: no sequence';


-- Room: migrations

-- Table migration_checksums

CREATE TABLE public.migration_checksums (
    migration_id text NOT NULL,
    checksum text NOT NULL,
    CONSTRAINT migration_checksums_checksum_check CHECK ((checksum ~ '^[0-9a-f]{64}$'::text))
);
COMMENT ON TABLE public.migration_checksums IS 'A digest of each applied migration, so that a later edit of its file is noticed';
COMMENT ON COLUMN public.migration_checksums.migration_id IS 'Name of the file, without .sql';
COMMENT ON COLUMN public.migration_checksums.checksum IS 'SHA-256 of the migration file, in hex';

ALTER TABLE ONLY public.migration_checksums
    ADD CONSTRAINT migration_checksums_pkey PRIMARY KEY (migration_id);
COMMENT ON INDEX public.migration_checksums_pkey IS 'sql/migrations/record_checksum.sql and sql/migrations/applied.sql';

-- Functions

CREATE FUNCTION public.holds_rows(relation regclass) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    answer boolean;
BEGIN
    -- The lock keeps the result true until the end of the transaction.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', holds_rows.relation);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', holds_rows.relation) INTO answer;
    RETURN answer;
END;
$$;
COMMENT ON FUNCTION public.holds_rows(relation regclass) IS 'Locks a table and returns whether it has any row; used before a rollback drops the table';


-- Room: rate_limit

-- Table rate_limit_clients

CREATE UNLOGGED TABLE public.rate_limit_clients (
    client text NOT NULL,
    ticks bigint[] NOT NULL,
    hits integer[] NOT NULL,
    last_hit_at timestamp with time zone NOT NULL,
    CONSTRAINT rate_limit_clients_pairs CHECK ((cardinality(ticks) = cardinality(hits)))
);
COMMENT ON TABLE public.rate_limit_clients IS 'Sliding one-minute window of requests per client; may be truncated at any time';
COMMENT ON COLUMN public.rate_limit_clients.client IS 'IP address of the client';
COMMENT ON COLUMN public.rate_limit_clients.ticks IS 'Time of the latest hit in each 60 ms that has hits, in microseconds since 1970; a minute has at most 1,001, however high the limit is';
COMMENT ON COLUMN public.rate_limit_clients.hits IS 'Number of hits in the 60 ms of the tick at the same position';
COMMENT ON COLUMN public.rate_limit_clients.last_hit_at IS 'sql/rate_limit/hit.sql deletes rows for which this is more than a minute ago';

ALTER TABLE ONLY public.rate_limit_clients
    ADD CONSTRAINT rate_limit_clients_pkey PRIMARY KEY (client);
COMMENT ON INDEX public.rate_limit_clients_pkey IS 'sql/rate_limit/hit.sql: the row of a client';

CREATE INDEX ix_rate_limit_clients_last_hit_at ON public.rate_limit_clients USING btree (last_hit_at);
COMMENT ON INDEX public.ix_rate_limit_clients_last_hit_at IS 'sql/rate_limit/hit.sql: finds the rows to delete';


-- Room: runs

-- Trigger functions

CREATE FUNCTION public.count_runs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
-- A column that somebody adds to agent_runs may have the name of a variable.
#variable_conflict use_variable
DECLARE
    sign integer;
    added bigint;
BEGIN
    IF tg_op = 'UPDATE' THEN
        INSERT INTO agent_run_count_changes (agent_name, bucket, runs)
        VALUES
        (old.agent_name, agent_run_bucket(old.created_at), -1),
        (new.agent_name, agent_run_bucket(new.created_at), 1);
    ELSE
        sign := CASE tg_op WHEN 'INSERT' THEN 1 ELSE -1 END;
        PERFORM FROM changed OFFSET 1;
        IF found THEN
            INSERT INTO agent_run_count_changes (agent_name, bucket, runs)
            SELECT changed.agent_name, agent_run_bucket(changed.created_at), count(*) * sign
            FROM changed
            GROUP BY 1, 2;
        ELSE
            -- At most one run, the usual case: without GROUP BY it takes half the time.
            INSERT INTO agent_run_count_changes (agent_name, bucket, runs)
            SELECT changed.agent_name, agent_run_bucket(changed.created_at), sign
            FROM changed;
        END IF;
    END IF;
    GET DIAGNOSTICS added = ROW_COUNT;
    -- On average once per 1,000 rows, and then up to 10,000 of them, which outpaces any writers.
    -- Under a stricter isolation level it could fail, and the writer's statement with it.
    IF
        random() * 1000 < added
        AND current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable')
    THEN
        PERFORM fold_agent_run_counts(10000);
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION public.count_runs() IS 'Trigger of agent_runs: appends to agent_run_count_changes what a statement added or removed';

CREATE FUNCTION public.count_no_runs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'TRUNCATE of agent_runs is refused in an isolated transaction'
        USING
            ERRCODE = 'feature_not_supported',
            HINT = 'Its snapshot may not see all that TRUNCATE removes: use READ COMMITTED.';
    END IF;
    PERFORM pg_advisory_xact_lock(7307);
    DELETE FROM agent_run_count_changes;
    DELETE FROM agent_run_counts;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION public.count_no_runs() IS 'Trigger of agent_runs: deletes all counts before TRUNCATE, whose lock keeps writers out';

CREATE FUNCTION public.refuse_undone_end() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'run % has ended with status %', old.event_id, old.status
    USING
        ERRCODE = 'check_violation',
        CONSTRAINT = 'agent_runs_only_forward',
        TABLE = tg_table_name,
        HINT = 'To reopen the run, set reopened_at = now() and end_time = NULL as well.';
END;
$$;
COMMENT ON FUNCTION public.refuse_undone_end() IS 'Trigger of agent_runs: refuses to set a run that has ended to running';

CREATE FUNCTION public.number_changed_run() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    lane bigint := take_lane(7308);
BEGIN
    new.change_number := lane * 100000000000000000 + nextval('agent_runs_change_seq');
    RETURN new;
END;
$$;
COMMENT ON FUNCTION public.number_changed_run() IS 'Trigger of agent_runs: draws a new change_number';

-- Table agent_runs

CREATE TABLE public.agent_runs (
    event_id text NOT NULL,
    run_id text NOT NULL,
    agent_name text NOT NULL,
    job_type text NOT NULL,
    status text DEFAULT 'running'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    duration_ms bigint DEFAULT 0 NOT NULL,
    items_discovered bigint DEFAULT 0 NOT NULL,
    items_succeeded bigint DEFAULT 0 NOT NULL,
    items_failed bigint DEFAULT 0 NOT NULL,
    items_skipped bigint DEFAULT 0 NOT NULL,
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
    git_commit_timestamp timestamp with time zone,
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
    api_posted boolean DEFAULT false NOT NULL,
    api_posted_at timestamp with time zone,
    api_retry_count bigint DEFAULT 0 NOT NULL,
    changed_fields text[] DEFAULT '{}'::text[] NOT NULL,
    completed_fields text[],
    reopened_at timestamp with time zone,
    change_number bigint NOT NULL,
    CONSTRAINT agent_runs_agent_name_check CHECK (((length(agent_name) >= 1) AND (length(agent_name) <= 255))),
    CONSTRAINT agent_runs_api_retry_count_check CHECK ((api_retry_count >= 0)),
    CONSTRAINT agent_runs_context_json_check CHECK ((jsonb_typeof(context_json) = 'object'::text)),
    CONSTRAINT agent_runs_duration_ms_check CHECK ((duration_ms >= 0)),
    CONSTRAINT agent_runs_event_id_check CHECK ((((length(event_id) >= 1) AND (length(event_id) <= 255)) AND (event_id !~ '[[:space:][:cntrl:]/]'::text))),
    CONSTRAINT agent_runs_git_commit_source_check CHECK ((git_commit_source = ANY (ARRAY['manual'::text, 'llm'::text, 'ci'::text]))),
    CONSTRAINT agent_runs_items_discovered_check CHECK ((items_discovered >= 0)),
    CONSTRAINT agent_runs_items_failed_check CHECK ((items_failed >= 0)),
    CONSTRAINT agent_runs_items_skipped_check CHECK ((items_skipped >= 0)),
    CONSTRAINT agent_runs_items_succeeded_check CHECK ((items_succeeded >= 0)),
    CONSTRAINT agent_runs_job_type_check CHECK (((length(job_type) >= 1) AND (length(job_type) <= 255))),
    CONSTRAINT agent_runs_metrics_json_check CHECK ((jsonb_typeof(metrics_json) = 'object'::text)),
    CONSTRAINT agent_runs_run_id_check CHECK (((length(run_id) >= 1) AND (length(run_id) <= 255))),
    CONSTRAINT agent_runs_status_check CHECK ((status = ANY (ARRAY['running'::text, 'success'::text, 'failure'::text, 'partial'::text, 'timeout'::text, 'cancelled'::text])))
);
COMMENT ON TABLE public.agent_runs IS 'What agents did: one row per run, created once and updated while the run is in progress';
COMMENT ON COLUMN public.agent_runs.event_id IS 'Chosen by the agent; a create that repeats it inserts nothing';
COMMENT ON COLUMN public.agent_runs.run_id IS 'The agent''s own name for the run; not unique';
COMMENT ON COLUMN public.agent_runs.agent_name IS 'The program that did the work; /metrics counts runs by it';
COMMENT ON COLUMN public.agent_runs.job_type IS 'Kind of work, in the agent''s words';
COMMENT ON COLUMN public.agent_runs.status IS 'running until the agent reports one of the outcomes in agent_runs_status_check';
COMMENT ON COLUMN public.agent_runs.created_at IS 'As sent by the agent; if it sent none, when the row was inserted';
COMMENT ON COLUMN public.agent_runs.updated_at IS 'When the row last changed, by this database''s clock; never moves backwards';
COMMENT ON COLUMN public.agent_runs.start_time IS 'When the run began, by the agent''s clock';
COMMENT ON COLUMN public.agent_runs.end_time IS 'When the run ended, by the agent''s clock';
COMMENT ON COLUMN public.agent_runs.duration_ms IS 'Milliseconds, as measured by the agent';
COMMENT ON COLUMN public.agent_runs.items_discovered IS 'Items that the run found to work on';
COMMENT ON COLUMN public.agent_runs.items_succeeded IS 'Items that were completed';
COMMENT ON COLUMN public.agent_runs.items_failed IS 'Items that were tried and failed';
COMMENT ON COLUMN public.agent_runs.items_skipped IS 'Items that were left out on purpose';
COMMENT ON COLUMN public.agent_runs.product IS 'What the run worked for, in the agent''s words';
COMMENT ON COLUMN public.agent_runs.product_family IS 'The group of products that the product belongs to';
COMMENT ON COLUMN public.agent_runs.platform IS 'The platform of the product, in the agent''s words';
COMMENT ON COLUMN public.agent_runs.subdomain IS 'Part of that host name, such as docs';
COMMENT ON COLUMN public.agent_runs.website IS 'Host name of the website that the run worked on';
COMMENT ON COLUMN public.agent_runs.website_section IS 'Part of that website, such as docs or blog';
COMMENT ON COLUMN public.agent_runs.item_name IS 'The one thing that the run worked on, such as a file or a page';
COMMENT ON COLUMN public.agent_runs.git_repo IS 'URL of the repository; links to commits are derived from it when a run is read';
COMMENT ON COLUMN public.agent_runs.git_commit_hash IS 'The commit that the run produced, in full or cut; the create or associate-commit sends it';
COMMENT ON COLUMN public.agent_runs.git_run_tag IS 'Tag that the agent put on the run''s commits';
COMMENT ON COLUMN public.agent_runs.git_commit_source IS 'Who made the commit: manual, llm or ci';
COMMENT ON COLUMN public.agent_runs.git_commit_author IS 'Author of that commit, in the agent''s words';
COMMENT ON COLUMN public.agent_runs.git_commit_timestamp IS 'When that commit was made';
COMMENT ON COLUMN public.agent_runs.input_summary IS 'What the run was given, for people to read';
COMMENT ON COLUMN public.agent_runs.output_summary IS 'What the run produced, for people to read';
COMMENT ON COLUMN public.agent_runs.source_ref IS 'What the run read from';
COMMENT ON COLUMN public.agent_runs.target_ref IS 'What the run wrote to';
COMMENT ON COLUMN public.agent_runs.error_summary IS 'What went wrong, in a line; error_details has the rest';
COMMENT ON COLUMN public.agent_runs.error_details IS 'Long text, such as a traceback';
COMMENT ON COLUMN public.agent_runs.host IS 'The machine that the run ran on, in the agent''s words';
COMMENT ON COLUMN public.agent_runs.environment IS 'The deployment that the run ran in, such as production, in the agent''s words';
COMMENT ON COLUMN public.agent_runs.trigger_type IS 'What started the run, in the agent''s words';
COMMENT ON COLUMN public.agent_runs.metrics_json IS 'Object of measurements, in any shape';
COMMENT ON COLUMN public.agent_runs.context_json IS 'Object about the run''s surroundings, in any shape';
COMMENT ON COLUMN public.agent_runs.insight_id IS 'The insight that led to the run';
COMMENT ON COLUMN public.agent_runs.parent_run_id IS 'run_id of the run that started this one';
COMMENT ON COLUMN public.agent_runs.api_posted IS 'Whether the agent has also posted the run to another API';
COMMENT ON COLUMN public.agent_runs.api_posted_at IS 'When the agent posted it there';
COMMENT ON COLUMN public.agent_runs.api_retry_count IS 'How many times the agent retried that post';
COMMENT ON COLUMN public.agent_runs.changed_fields IS 'Columns changed since the create; a repeated create may differ in them without a conflict';
COMMENT ON COLUMN public.agent_runs.completed_fields IS 'Columns in which an ended record changed the run; a record that is running may differ in them without a conflict';
COMMENT ON COLUMN public.agent_runs.reopened_at IS 'When the run was last set from an end to running on purpose; NULL: never';
COMMENT ON COLUMN public.agent_runs.change_number IS 'Drawn for each change: lane * 10^17 + number. Within a lane it grows in the order in which changes became visible. 0: not changed since the column was added';

CREATE SEQUENCE public.agent_runs_change_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.agent_runs_change_seq OWNED BY public.agent_runs.change_number;
COMMENT ON SEQUENCE public.agent_runs_change_seq IS 'The numbers in agent_runs.change_number. Must stay CACHE 1, and never go back';

ALTER TABLE ONLY public.agent_runs ALTER COLUMN change_number SET DEFAULT ((public.take_lane(7308) * '100000000000000000'::bigint) + nextval('public.agent_runs_change_seq'::regclass));

ALTER TABLE ONLY public.agent_runs
    ADD CONSTRAINT agent_runs_pkey PRIMARY KEY (event_id);
COMMENT ON INDEX public.agent_runs_pkey IS 'The same event_id is the same run: sql/runs/create.sql; one run: sql/runs/get.sql';

CREATE INDEX ix_agent_runs_agent_name_newest ON public.agent_runs USING btree (agent_name, created_at DESC, event_id DESC) INCLUDE (status, duration_ms, start_time, end_time);
COMMENT ON INDEX public.ix_agent_runs_agent_name_newest IS 'sql/runs/list.sql by agent, the names in sql/runs/metadata.sql, and sql/pages/agents.sql, which reads states and durations from the index alone';

CREATE INDEX ix_agent_runs_agent_name_status_newest ON public.agent_runs USING btree (agent_name, status, created_at DESC, event_id DESC);
COMMENT ON INDEX public.ix_agent_runs_agent_name_status_newest IS 'sql/runs/list.sql by agent and status; sql/pages/states_over_time.sql, sql/pages/running.sql and sql/pages/failures.sql by agent';

CREATE INDEX ix_agent_runs_change_number ON public.agent_runs USING btree (change_number) WHERE (change_number > 0);
COMMENT ON INDEX public.ix_agent_runs_change_number IS 'sql/runs/feed.sql: the changes of each lane in order';

CREATE INDEX ix_agent_runs_created_at ON public.agent_runs USING btree (created_at DESC, event_id DESC);
COMMENT ON INDEX public.ix_agent_runs_created_at IS 'sql/runs/list.sql without a filter; the two columns are its cursor';

CREATE INDEX ix_agent_runs_job_type_created_at ON public.agent_runs USING btree (job_type, created_at DESC);
COMMENT ON INDEX public.ix_agent_runs_job_type_created_at IS 'sql/runs/list.sql by job type, and the job types in sql/runs/metadata.sql';

CREATE INDEX ix_agent_runs_parent_run_id_created_at ON public.agent_runs USING btree ("left"(parent_run_id, 255), created_at DESC) WHERE (parent_run_id IS NOT NULL);
COMMENT ON INDEX public.ix_agent_runs_parent_run_id_created_at IS 'sql/runs/list.sql by parent; siblings and children in sql/pages/family.sql';

CREATE INDEX ix_agent_runs_run_id ON public.agent_runs USING btree (run_id);
COMMENT ON INDEX public.ix_agent_runs_run_id IS 'sql/runs/list.sql by run_id; the parent in sql/pages/family.sql';

CREATE INDEX ix_agent_runs_start_time ON public.agent_runs USING btree (start_time);
COMMENT ON INDEX public.ix_agent_runs_start_time IS 'sql/runs/list.sql by start time';

CREATE INDEX ix_agent_runs_status_created_at ON public.agent_runs USING btree (status, created_at DESC);
COMMENT ON INDEX public.ix_agent_runs_status_created_at IS 'sql/runs/list.sql by status; counts and failures of a window in sql/pages/states_over_time.sql, sql/pages/running.sql, sql/pages/failures.sql and sql/pages/same_error.sql';

CREATE INDEX ix_agent_runs_unnumbered ON public.agent_runs USING btree (event_id) WHERE (change_number = 0);
COMMENT ON INDEX public.ix_agent_runs_unnumbered IS 'sql/runs/feed_unnumbered.sql; only runs from before change_number existed are in it';

CREATE TRIGGER count_deleted AFTER DELETE ON public.agent_runs REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_runs();

CREATE TRIGGER count_inserted AFTER INSERT ON public.agent_runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_runs();

CREATE TRIGGER count_moved AFTER UPDATE ON public.agent_runs FOR EACH ROW WHEN (((old.agent_name IS DISTINCT FROM new.agent_name) OR (old.created_at IS DISTINCT FROM new.created_at))) EXECUTE FUNCTION public.count_runs();

CREATE TRIGGER count_truncated BEFORE TRUNCATE ON public.agent_runs FOR EACH STATEMENT EXECUTE FUNCTION public.count_no_runs();

CREATE TRIGGER number_changed_run BEFORE UPDATE ON public.agent_runs FOR EACH ROW EXECUTE FUNCTION public.number_changed_run();

CREATE TRIGGER refuse_undone_end BEFORE UPDATE ON public.agent_runs FOR EACH ROW WHEN (((new.status = 'running'::text) AND (old.status <> 'running'::text) AND (NOT (new.reopened_at IS DISTINCT FROM old.reopened_at)))) EXECUTE FUNCTION public.refuse_undone_end();

-- Table agent_run_counts

CREATE TABLE public.agent_run_counts (
    bucket timestamp with time zone NOT NULL,
    agent_name text NOT NULL,
    runs bigint NOT NULL
)
WITH (fillfactor='70');
COMMENT ON TABLE public.agent_run_counts IS 'Runs per agent, in total and per ten minutes; exact when agent_run_count_changes is added';
COMMENT ON COLUMN public.agent_run_counts.bucket IS 'agent_run_bucket(created_at) of the runs counted; -infinity: all runs of the agent';
COMMENT ON COLUMN public.agent_run_counts.runs IS 'Can be negative while the difference is in agent_run_count_changes; a zero has no row';

ALTER TABLE ONLY public.agent_run_counts
    ADD CONSTRAINT agent_run_counts_pkey PRIMARY KEY (bucket, agent_name);
COMMENT ON INDEX public.agent_run_counts_pkey IS 'sql/runs/metrics.sql: the totals, and the buckets of the last day';

-- Table agent_run_count_changes

CREATE TABLE public.agent_run_count_changes (
    agent_name text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    runs bigint NOT NULL
)
WITH (autovacuum_vacuum_threshold='5000', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_cost_delay='0');

ALTER TABLE ONLY public.agent_run_count_changes REPLICA IDENTITY FULL;
COMMENT ON TABLE public.agent_run_count_changes IS 'Changes in the number of runs that are not yet part of agent_run_counts';
COMMENT ON COLUMN public.agent_run_count_changes.bucket IS 'agent_run_bucket(created_at)';
COMMENT ON COLUMN public.agent_run_count_changes.runs IS 'Runs added; negative: runs removed';

-- Functions

CREATE FUNCTION public.agent_run_bucket(created_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN date_bin('00:10:00'::interval, GREATEST(created_at, '2000-01-01 00:00:00+00'::timestamp with time zone), '2000-01-01 00:00:00+00'::timestamp with time zone);
COMMENT ON FUNCTION public.agent_run_bucket(created_at timestamp with time zone) IS 'The start of the ten minutes in which a run is counted';

CREATE FUNCTION public.fold_agent_run_counts(row_limit bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    folded bigint;
    emptied_buckets timestamptz[];
    emptied_agents text[];
BEGIN
    -- One transaction at a time does this; the others go on without waiting.
    IF NOT pg_try_advisory_xact_lock(7307) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM agent_run_count_changes
        WHERE ctid = any(
            ARRAY(
                SELECT change.ctid
                FROM agent_run_count_changes AS change
                LIMIT fold_agent_run_counts.row_limit
            )
        )
        RETURNING agent_name, bucket, runs
    ),

    summed AS (
        SELECT agent_name, bucket, sum(runs) AS runs
        FROM taken
        GROUP BY GROUPING SETS ((agent_name, bucket), (agent_name))
    ),

    counted AS (
        INSERT INTO agent_run_counts AS known (bucket, agent_name, runs)
        SELECT coalesce(bucket, '-infinity'), agent_name, runs
        FROM summed
        WHERE runs <> 0
        ON CONFLICT (bucket, agent_name) DO UPDATE SET runs = known.runs + excluded.runs
        RETURNING known.bucket, known.agent_name, known.runs
    )

    SELECT
        (SELECT count(*) FROM taken),
        array_agg(counted.bucket) FILTER (WHERE counted.runs = 0),
        array_agg(counted.agent_name) FILTER (WHERE counted.runs = 0)
    INTO folded, emptied_buckets, emptied_agents
    FROM counted;
    IF emptied_buckets IS NOT NULL THEN
        DELETE FROM agent_run_counts AS known
        USING unnest(emptied_buckets, emptied_agents) AS emptied (bucket, agent_name)
        WHERE
            known.bucket = emptied.bucket
            AND known.agent_name = emptied.agent_name
            AND known.runs = 0;
    END IF;
    RETURN folded;
END;
$$;
COMMENT ON FUNCTION public.fold_agent_run_counts(row_limit bigint) IS 'Moves up to row_limit rows of agent_run_count_changes into agent_run_counts; returns how many';

CREATE FUNCTION public.recount_agent_runs() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    counted bigint;
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'recount_agent_runs() is refused in an isolated transaction'
        USING
            ERRCODE = 'feature_not_supported',
            HINT = 'Its snapshot may be older than what it replaces: use READ COMMITTED.';
    END IF;
    -- In the same order as TRUNCATE takes them, so that the two cannot deadlock.
    LOCK TABLE agent_runs IN ACCESS SHARE MODE;
    PERFORM pg_advisory_xact_lock(7307);
    DELETE FROM agent_run_counts;
    -- One snapshot sees either both a run and the change that counts it, or neither. Runs that it
    -- does not see are counted by changes that stay. The lock keeps others from moving changes.
    WITH forgotten AS (
        DELETE FROM agent_run_count_changes
    ),

    counted AS (
        INSERT INTO agent_run_counts (bucket, agent_name, runs)
        SELECT coalesce(bucket, '-infinity'), agent_name, sum(runs)
        FROM (
            SELECT agent_run_bucket(created_at) AS bucket, agent_name, count(*) AS runs
            FROM agent_runs
            GROUP BY 1, 2
        ) AS existing
        GROUP BY GROUPING SETS ((agent_name, bucket), (agent_name))
        ORDER BY 1, 2
        RETURNING bucket, runs
    )

    SELECT coalesce(sum(runs), 0) INTO counted FROM counted WHERE bucket = '-infinity';
    RETURN counted;
END;
$$;
COMMENT ON FUNCTION public.recount_agent_runs() IS 'Counts all runs again while others write; needed only after the triggers were disabled';

CREATE FUNCTION public.run_duration_ms(duration_ms bigint, start_time timestamp with time zone, end_time timestamp with time zone) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT
        CASE
            WHEN run_duration_ms.duration_ms > 0 THEN run_duration_ms.duration_ms
            WHEN
                run_duration_ms.end_time >= run_duration_ms.start_time
                AND isfinite(run_duration_ms.end_time)
                AND isfinite(run_duration_ms.start_time)
                THEN (
                    1000 * date_part('epoch', run_duration_ms.end_time - run_duration_ms.start_time)
                )::bigint
        END
$$;
COMMENT ON FUNCTION public.run_duration_ms(duration_ms bigint, start_time timestamp with time zone, end_time timestamp with time zone) IS 'How long a run took: what the agent measured, else the time from start to end; NULL: unknown';


-- Room: runtime_events

-- Trigger functions

CREATE FUNCTION public.number_runtime_event() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    wanted integer := pg_backend_pid() % 64;
    newest bigint;
    newest_of_lane bigint;
BEGIN
    FOR step IN 0..64 LOOP
        NEW.lane := (wanted + step) % 64;
        IF step = 64 THEN
            -- All lanes are taken by other transactions. This one holds no lane, so it can wait for
            -- one without a deadlock.
            PERFORM pg_advisory_xact_lock(7306, wanted);
        END IF;
        EXIT WHEN step = 64 OR pg_try_advisory_xact_lock(7306, NEW.lane);
    END LOOP;
    NEW.number := nextval('runtime_events_number_seq');
    IF current_setting('telemetry.numbers_are_above', TRUE) IS DISTINCT FROM 'yes' THEN
        SELECT
            max(highest.number),
            max(highest.number) FILTER (WHERE every_lane.lane = NEW.lane)
        INTO newest, newest_of_lane
        FROM generate_series(0, 63) AS every_lane (lane)
        CROSS JOIN LATERAL (
            (
                SELECT event.number FROM runtime_events AS event
                WHERE event.lane = every_lane.lane
                ORDER BY event.lane DESC, event.number DESC
                LIMIT 1
            )
            UNION ALL
            SELECT pruned.number FROM runtime_events_pruned AS pruned
            WHERE pruned.lane = every_lane.lane
        ) AS highest;
        IF NEW.number <= newest_of_lane THEN
            NEW.number := newest_of_lane + 1;
        ELSIF NEW.number > coalesce(newest, 0) THEN
            PERFORM set_config('telemetry.numbers_are_above', 'yes', FALSE);
        END IF;
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION public.number_runtime_event() IS 'Trigger of runtime_events: takes a lane that no other transaction holds, and a number above those that are or were in it';

-- Table runtime_events

CREATE TABLE public.runtime_events (
    id text NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    source text NOT NULL,
    endpoint text NOT NULL,
    raw_endpoint text NOT NULL,
    method text DEFAULT 'GET'::text NOT NULL,
    status_code smallint DEFAULT 200 NOT NULL,
    runtime_ms numeric NOT NULL,
    runtime_cost_estimate numeric NOT NULL,
    idea_id text,
    origin_idea_id text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    lane smallint NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT runtime_events_endpoint_check CHECK ((endpoint ~ '^/[^?]*$'::text)),
    CONSTRAINT runtime_events_id_check CHECK (((length(id) >= 1) AND (length(id) <= 128))),
    CONSTRAINT runtime_events_lane_check CHECK (((lane >= 0) AND (lane <= 63))),
    CONSTRAINT runtime_events_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT runtime_events_method_check CHECK (((length(method) >= 1) AND (length(method) <= 128))),
    CONSTRAINT runtime_events_runtime_cost_estimate_check CHECK (((runtime_cost_estimate >= (0)::numeric) AND (runtime_cost_estimate < '180000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric))),
    CONSTRAINT runtime_events_runtime_ms_check CHECK (((runtime_ms > (0)::numeric) AND (runtime_ms < '180000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric))),
    CONSTRAINT runtime_events_source_check CHECK ((source = ANY (ARRAY['api'::text, 'web'::text, 'web_api'::text, 'worker'::text]))),
    CONSTRAINT runtime_events_status_code_check CHECK (((status_code >= 100) AND (status_code <= 599)))
);
COMMENT ON TABLE public.runtime_events IS 'How endpoints behaved: one row per event, appended once and never changed';
COMMENT ON COLUMN public.runtime_events.id IS 'From the client, which makes a retry recognisable; else rt_ and 32 hex digits from the service';
COMMENT ON COLUMN public.runtime_events.recorded_at IS 'When the event was received, by this database''s clock; an imported event keeps its own time';
COMMENT ON COLUMN public.runtime_events.source IS 'What kind of program observed the event';
COMMENT ON COLUMN public.runtime_events.endpoint IS 'Path with a leading slash and without a query string; events are grouped by it';
COMMENT ON COLUMN public.runtime_events.raw_endpoint IS 'The endpoint exactly as sent';
COMMENT ON COLUMN public.runtime_events.method IS 'HTTP method in upper case';
COMMENT ON COLUMN public.runtime_events.status_code IS 'HTTP status; 500 and above count as errors';
COMMENT ON COLUMN public.runtime_events.runtime_ms IS 'Milliseconds; numeric, so that any JSON number is returned as it was sent';
COMMENT ON COLUMN public.runtime_events.runtime_cost_estimate IS 'runtime_ms / 1000 times RUNTIME_COST_PER_SECOND, as it was set when the event was recorded';
COMMENT ON COLUMN public.runtime_events.idea_id IS 'The idea that the request served';
COMMENT ON COLUMN public.runtime_events.origin_idea_id IS 'Equal to idea_id when the event was recorded; an imported event keeps its own';
COMMENT ON COLUMN public.runtime_events.metadata IS 'Object of strings, numbers, booleans and nulls';
COMMENT ON COLUMN public.runtime_events.lane IS 'One of 64 lanes; only one transaction at a time writes to a lane';
COMMENT ON COLUMN public.runtime_events.number IS 'Grows within a lane in the order in which its events became visible; has gaps';

CREATE SEQUENCE public.runtime_events_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.runtime_events_number_seq OWNED BY public.runtime_events.number;

ALTER TABLE ONLY public.runtime_events
    ADD CONSTRAINT runtime_events_pkey PRIMARY KEY (id);
COMMENT ON INDEX public.runtime_events_pkey IS 'The same id is the same event: sql/runtime_events/create.sql; one event: sql/runtime_events/get.sql';

CREATE INDEX ix_runtime_events_endpoint_recorded_at ON public.runtime_events USING btree ("left"(endpoint, 500) COLLATE "C", recorded_at DESC);
COMMENT ON INDEX public.ix_runtime_events_endpoint_recorded_at IS 'sql/pages/endpoint_over_time.sql and sql/pages/endpoint.sql: one endpoint in a window; sql/runtime_events/list.sql by a prefix of the endpoint that few events have';

CREATE INDEX ix_runtime_events_lane_number ON public.runtime_events USING btree (lane, number);
COMMENT ON INDEX public.ix_runtime_events_lane_number IS 'sql/runtime_events/change_token.sql: the highest number of each lane';

CREATE INDEX ix_runtime_events_recorded_at ON public.runtime_events USING btree (recorded_at DESC);
COMMENT ON INDEX public.ix_runtime_events_recorded_at IS 'sql/runtime_events/list.sql, newest first, and the window of sql/runtime_events/summary.sql';

CREATE INDEX ix_runtime_events_source_recorded_at ON public.runtime_events USING btree (source, recorded_at DESC);
COMMENT ON INDEX public.ix_runtime_events_source_recorded_at IS 'sql/runtime_events/list.sql and sql/runtime_events/summary.sql by source';

CREATE TRIGGER number_runtime_event BEFORE INSERT ON public.runtime_events FOR EACH ROW EXECUTE FUNCTION public.number_runtime_event();

-- Functions

CREATE FUNCTION public.older_runtime_events(relation regclass, after text, row_limit integer, byte_limit integer) RETURNS TABLE(id text, event text)
    LANGUAGE plpgsql STABLE
    SET "TimeZone" TO 'UTC'
    SET extra_float_digits TO '1'
    AS $_$
DECLARE
    bytes bigint := 0;
BEGIN
    -- After the page before, in the order of the primary key.
    FOR id, event IN EXECUTE format(
        'SELECT older.id, row_to_json(older.*) FROM %s AS older'
        ' WHERE $1 IS NULL OR older.id > $1 ORDER BY older.id LIMIT $2',
        older_runtime_events.relation
    ) USING older_runtime_events.after, older_runtime_events.row_limit
    LOOP
        RETURN NEXT;
        bytes := bytes + octet_length(event);
        EXIT WHEN bytes >= older_runtime_events.byte_limit;
    END LOOP;
END;
$_$;
COMMENT ON FUNCTION public.older_runtime_events(relation regclass, after text, row_limit integer, byte_limit integer) IS 'A page of an older service''s events, each with its id and as JSON; ends early after byte_limit';

CREATE FUNCTION public.runtime_event_weight(metadata jsonb, runtime_ms numeric, runtime_cost_estimate numeric) RETURNS TABLE(events bigint, total_ms numeric, total_cost numeric)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT
        coalesce(stands_for.events, 1),
        CASE
            WHEN stands_for.events IS NULL THEN runtime_event_weight.runtime_ms
            -- 1.7976931348623157e308 is the largest double, and 1.8e308 just above it.
            WHEN total.runtime_ms > 0 AND total.runtime_ms < 1.8e308 THEN total.runtime_ms
            ELSE least(stands_for.events * runtime_event_weight.runtime_ms, 1.7976931348623157e308)
        END,
        CASE
            WHEN stands_for.events IS NULL THEN runtime_event_weight.runtime_cost_estimate
            WHEN total.cost >= 0 AND total.cost < 1.8e308 THEN total.cost
            ELSE least(
                stands_for.events * runtime_event_weight.runtime_cost_estimate,
                1.7976931348623157e308
            )
        END
    FROM
        (
            SELECT
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'event_count')
                    WHEN 'number' THEN (runtime_event_weight.metadata -> 'event_count')::numeric
                END AS event_count,
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'sample_count')
                    WHEN 'number' THEN (runtime_event_weight.metadata -> 'sample_count')::numeric
                END AS sample_count
        ) AS sent,
        LATERAL (
            SELECT
                CASE
                    -- Most events have neither, and this is the fastest test.
                    WHEN
                        NOT runtime_event_weight.metadata ? 'event_count'
                        AND NOT runtime_event_weight.metadata ? 'sample_count'
                        THEN NULL
                    WHEN
                        sent.event_count BETWEEN 1 AND 1000000000 AND sent.event_count % 1 = 0
                        THEN sent.event_count
                    WHEN
                        sent.sample_count BETWEEN 1 AND 1000000000 AND sent.sample_count % 1 = 0
                        THEN sent.sample_count
                END::bigint AS events
        ) AS stands_for,
        LATERAL (
            SELECT
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'total_runtime_ms')
                    WHEN 'number'
                        THEN (runtime_event_weight.metadata -> 'total_runtime_ms')::numeric
                END AS runtime_ms,
                CASE jsonb_typeof(runtime_event_weight.metadata -> 'total_runtime_cost_estimate')
                    WHEN 'number'
                        THEN
                            (runtime_event_weight.metadata -> 'total_runtime_cost_estimate')::numeric
                END AS cost
        ) AS total
$$;
COMMENT ON FUNCTION public.runtime_event_weight(metadata jsonb, runtime_ms numeric, runtime_cost_estimate numeric) IS 'How many events an event stands for (1 to 10^9), and their runtime and cost together';


-- Room: audio_runtime

-- Schema

CREATE SCHEMA os_core;
COMMENT ON SCHEMA os_core IS 'Devices, sessions and what the engines observed';

-- Trigger functions

CREATE FUNCTION os_core.refuse_tenant_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the tenant of a row of %.% can not be changed from % to %',
        tg_table_schema, tg_table_name, old.tenant_id, new.tenant_id
    USING
        ERRCODE = 'restrict_violation',
        HINT = 'Its history belongs to its tenant: create it under a new id for the other one.';
END;
$$;
COMMENT ON FUNCTION os_core.refuse_tenant_change() IS 'Trigger of devices and sessions: refuses an UPDATE that changes the tenant';

CREATE FUNCTION os_core.begin_chain() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- A restore that loads one table after another may have inserted the head already.
    INSERT INTO os_core.audio_runtime_heads (tenant_id, device_id)
    VALUES (new.tenant_id, new.device_id)
    ON CONFLICT (tenant_id, device_id) DO NOTHING;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION os_core.begin_chain() IS 'Trigger of devices: inserts the head of a new device, so that its first append can lock it';

-- Table os_core.devices

CREATE TABLE os_core.devices (
    device_id text NOT NULL COLLATE pg_catalog."C",
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    device_type text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT devices_device_id_check CHECK ((((length(device_id) >= 1) AND (length(device_id) <= 128)) AND (device_id ~ '^[A-Za-z0-9._:-]+$'::text))),
    CONSTRAINT devices_device_type_check CHECK (((length(device_type) >= 1) AND (length(device_type) <= 255))),
    CONSTRAINT devices_tenant_id_check CHECK ((((length(tenant_id) >= 1) AND (length(tenant_id) <= 64)) AND (tenant_id ~ '^[A-Za-z0-9._:-]+$'::text)))
);
COMMENT ON TABLE os_core.devices IS 'Voice devices; a device belongs for good to the tenant that it was created with';
COMMENT ON COLUMN os_core.devices.device_id IS 'Chosen by the client; unique over all tenants';
COMMENT ON COLUMN os_core.devices.tenant_id IS 'The tenant that the device belongs to; never changes';
COMMENT ON COLUMN os_core.devices.device_type IS 'Model or kind, in the client''s words';
COMMENT ON COLUMN os_core.devices.created_at IS 'When the device was bound to its tenant, by this database''s clock';

ALTER TABLE ONLY os_core.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (device_id);
COMMENT ON CONSTRAINT devices_pkey ON os_core.devices IS 'device_id alone: two tenants cannot share a device';
COMMENT ON INDEX os_core.devices_pkey IS 'sql/audio_runtime/put_device.sql and sql/audio_runtime/append.sql: a device of any tenant';

ALTER TABLE ONLY os_core.devices
    ADD CONSTRAINT devices_tenant_device_key UNIQUE (tenant_id, device_id);
COMMENT ON CONSTRAINT devices_tenant_device_key ON os_core.devices IS 'Target of the foreign keys of sessions, the ledger, its heads and its projection';
COMMENT ON INDEX os_core.devices_tenant_device_key IS 'sql/audio_runtime/get_device.sql and sql/audio_runtime/list_devices.sql: the devices of a tenant';

CREATE TRIGGER begin_chain AFTER INSERT ON os_core.devices FOR EACH ROW EXECUTE FUNCTION os_core.begin_chain();

CREATE TRIGGER refuse_tenant_change BEFORE UPDATE ON os_core.devices FOR EACH ROW WHEN ((old.tenant_id IS DISTINCT FROM new.tenant_id)) EXECUTE FUNCTION os_core.refuse_tenant_change();

ALTER TABLE os_core.devices ENABLE ALWAYS TRIGGER refuse_tenant_change;

-- Table os_core.sessions

CREATE TABLE os_core.sessions (
    session_id bigint NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sessions_session_id_check CHECK ((session_id >= 0))
);
COMMENT ON TABLE os_core.sessions IS 'Conversations; a session belongs to one tenant for good, and may move between its devices';
COMMENT ON COLUMN os_core.sessions.session_id IS 'Chosen by the client; unique over all tenants';
COMMENT ON COLUMN os_core.sessions.tenant_id IS 'The tenant that the session belongs to; never changes';
COMMENT ON COLUMN os_core.sessions.device_id IS 'The device that the session was last on';
COMMENT ON COLUMN os_core.sessions.created_at IS 'When the session was opened, by this database''s clock';

ALTER TABLE ONLY os_core.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (session_id);
COMMENT ON INDEX os_core.sessions_pkey IS 'sql/audio_runtime/put_session.sql and sql/audio_runtime/append.sql: a session of any tenant';

ALTER TABLE ONLY os_core.sessions
    ADD CONSTRAINT sessions_tenant_session_key UNIQUE (tenant_id, session_id);
COMMENT ON CONSTRAINT sessions_tenant_session_key ON os_core.sessions IS 'Target of the foreign keys of the ledger and its projection';
COMMENT ON INDEX os_core.sessions_tenant_session_key IS 'audio_runtime_events_session_fkey and audio_runtime_current_session_fkey';

CREATE INDEX ix_sessions_tenant_device ON os_core.sessions USING btree (tenant_id, device_id) WHERE (device_id IS NOT NULL);
COMMENT ON INDEX os_core.ix_sessions_tenant_device IS 'sessions_device_fkey, when a device is deleted';

CREATE TRIGGER refuse_tenant_change BEFORE UPDATE ON os_core.sessions FOR EACH ROW WHEN ((old.tenant_id IS DISTINCT FROM new.tenant_id)) EXECUTE FUNCTION os_core.refuse_tenant_change();

ALTER TABLE os_core.sessions ENABLE ALWAYS TRIGGER refuse_tenant_change;

ALTER TABLE ONLY os_core.sessions
    ADD CONSTRAINT sessions_device_fkey FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices(tenant_id, device_id);

-- Table os_core.audio_runtime_events

CREATE TABLE os_core.audio_runtime_events (
    event_id bigint NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    session_id bigint,
    event_kind text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    idempotency_key text NOT NULL COLLATE pg_catalog."C",
    processed_stream_id text,
    raw_stream_id text,
    pre_roll_buffer_id bigint,
    selected_mic text,
    selected_speaker text,
    device_health text,
    jitter_ms double precision,
    drift_ppm double precision,
    buffer_depth_ms double precision,
    underruns bigint,
    overruns bigint,
    phrase_id bigint,
    phrase_text text,
    reason_code bigint,
    capture_degraded boolean,
    aec_unstable boolean,
    device_changed boolean,
    stream_gap_detected boolean,
    tts_playback_active boolean,
    row_hash bytea NOT NULL,
    feed_number bigint NOT NULL,
    CONSTRAINT audio_runtime_events_buffer_depth_ms_check CHECK (((buffer_depth_ms >= (0)::double precision) AND (buffer_depth_ms < 'Infinity'::double precision))),
    CONSTRAINT audio_runtime_events_created_at_check CHECK ((created_at >= 0)),
    CONSTRAINT audio_runtime_events_degradation_fields_check CHECK ((num_nonnulls(capture_degraded, aec_unstable, device_changed, stream_gap_detected) =
CASE event_kind
    WHEN 'DEGRADATION_FLAGS'::text THEN 4
    ELSE 0
END)),
    CONSTRAINT audio_runtime_events_device_health_check CHECK ((device_health = ANY (ARRAY['HEALTHY'::text, 'DEGRADED'::text, 'FAILED'::text]))),
    CONSTRAINT audio_runtime_events_device_state_fields_check CHECK ((num_nonnulls(selected_mic, selected_speaker, device_health) =
CASE event_kind
    WHEN 'DEVICE_STATE'::text THEN 3
    ELSE 0
END)),
    CONSTRAINT audio_runtime_events_drift_ppm_check CHECK (((drift_ppm > '-Infinity'::double precision) AND (drift_ppm < 'Infinity'::double precision))),
    CONSTRAINT audio_runtime_events_event_id_check CHECK ((event_id > 0)),
    CONSTRAINT audio_runtime_events_event_kind_check CHECK ((event_kind = ANY (ARRAY['STREAM_REFS'::text, 'VAD_EVENT'::text, 'DEVICE_STATE'::text, 'TIMING_STATS'::text, 'INTERRUPT_CANDIDATE'::text, 'DEGRADATION_FLAGS'::text, 'TTS_PLAYBACK_ACTIVE'::text]))),
    CONSTRAINT audio_runtime_events_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 128))),
    CONSTRAINT audio_runtime_events_interrupt_fields_check CHECK ((num_nonnulls(phrase_id, phrase_text, reason_code) =
CASE event_kind
    WHEN 'INTERRUPT_CANDIDATE'::text THEN 3
    ELSE 0
END)),
    CONSTRAINT audio_runtime_events_jitter_ms_check CHECK (((jitter_ms >= (0)::double precision) AND (jitter_ms < 'Infinity'::double precision))),
    CONSTRAINT audio_runtime_events_overruns_check CHECK ((overruns >= 0)),
    CONSTRAINT audio_runtime_events_phrase_id_check CHECK ((phrase_id >= 0)),
    CONSTRAINT audio_runtime_events_phrase_text_check CHECK (((length(phrase_text) >= 1) AND (length(phrase_text) <= 128))),
    CONSTRAINT audio_runtime_events_pre_roll_buffer_id_check CHECK ((pre_roll_buffer_id >= 0)),
    CONSTRAINT audio_runtime_events_processed_stream_field_check CHECK (((processed_stream_id IS NOT NULL) = (event_kind = ANY (ARRAY['STREAM_REFS'::text, 'VAD_EVENT'::text])))),
    CONSTRAINT audio_runtime_events_processed_stream_id_check CHECK (((length(processed_stream_id) >= 1) AND (length(processed_stream_id) <= 64))),
    CONSTRAINT audio_runtime_events_raw_stream_id_check CHECK (((length(raw_stream_id) >= 1) AND (length(raw_stream_id) <= 64))),
    CONSTRAINT audio_runtime_events_reason_code_check CHECK ((reason_code >= 0)),
    CONSTRAINT audio_runtime_events_row_hash_check CHECK ((octet_length(row_hash) = 32)),
    CONSTRAINT audio_runtime_events_selected_mic_check CHECK (((length(selected_mic) >= 1) AND (length(selected_mic) <= 255))),
    CONSTRAINT audio_runtime_events_selected_speaker_check CHECK (((length(selected_speaker) >= 1) AND (length(selected_speaker) <= 255))),
    CONSTRAINT audio_runtime_events_session_id_check CHECK ((session_id >= 0)),
    CONSTRAINT audio_runtime_events_stream_refs_fields_check CHECK (
CASE
    WHEN (event_kind = 'STREAM_REFS'::text) THEN (pre_roll_buffer_id IS NOT NULL)
    ELSE (num_nonnulls(pre_roll_buffer_id, raw_stream_id) = 0)
END),
    CONSTRAINT audio_runtime_events_timing_stats_fields_check CHECK ((num_nonnulls(jitter_ms, drift_ppm, buffer_depth_ms, underruns, overruns) =
CASE event_kind
    WHEN 'TIMING_STATS'::text THEN 5
    ELSE 0
END)),
    CONSTRAINT audio_runtime_events_tts_field_check CHECK (((tts_playback_active IS NOT NULL) = (event_kind = 'TTS_PLAYBACK_ACTIVE'::text))),
    CONSTRAINT audio_runtime_events_underruns_check CHECK ((underruns >= 0))
);
COMMENT ON TABLE os_core.audio_runtime_events IS 'Append-only ledger of engine PH1.K: what voice devices observed, one row per event';
COMMENT ON COLUMN os_core.audio_runtime_events.event_id IS 'In commit order within a device; has gaps, and gives no order across devices';
COMMENT ON COLUMN os_core.audio_runtime_events.tenant_id IS 'The tenant of the device; part of every foreign key, so that no row refers to another tenant';
COMMENT ON COLUMN os_core.audio_runtime_events.device_id IS 'The device that observed the event; events of one device form a chain';
COMMENT ON COLUMN os_core.audio_runtime_events.session_id IS 'A session of the tenant, on any of its devices; NULL: outside any session';
COMMENT ON COLUMN os_core.audio_runtime_events.event_kind IS 'Decides which of the columns from processed_stream_id to tts_playback_active are set';
COMMENT ON COLUMN os_core.audio_runtime_events.created_at IS 'Nanoseconds since 1970 by the device''s clock, which may jump: order by event_id instead';
COMMENT ON COLUMN os_core.audio_runtime_events.idempotency_key IS 'Chosen by the device; an event with the same key and kind is the same event, sent again';
COMMENT ON COLUMN os_core.audio_runtime_events.processed_stream_id IS 'The stream after echo cancellation; text, because an id may be an integer of up to 128 bits';
COMMENT ON COLUMN os_core.audio_runtime_events.raw_stream_id IS 'The stream as captured';
COMMENT ON COLUMN os_core.audio_runtime_events.pre_roll_buffer_id IS 'The buffer that holds the audio from before the stream began';
COMMENT ON COLUMN os_core.audio_runtime_events.selected_mic IS 'The microphone in use, as the device names it';
COMMENT ON COLUMN os_core.audio_runtime_events.selected_speaker IS 'The loudspeaker in use, as the device names it';
COMMENT ON COLUMN os_core.audio_runtime_events.device_health IS 'HEALTHY, DEGRADED or FAILED; the audit row of the last two is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.jitter_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_events.drift_ppm IS 'Clock drift in parts per million; can be negative';
COMMENT ON COLUMN os_core.audio_runtime_events.buffer_depth_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_events.underruns IS 'How many times a buffer ran empty, as the device counts';
COMMENT ON COLUMN os_core.audio_runtime_events.overruns IS 'How many times a buffer was full, as the device counts';
COMMENT ON COLUMN os_core.audio_runtime_events.phrase_id IS 'The phrase that may be an interruption, in the device''s numbering';
COMMENT ON COLUMN os_core.audio_runtime_events.phrase_text IS 'The words of that phrase';
COMMENT ON COLUMN os_core.audio_runtime_events.reason_code IS 'Why the phrase may be an interruption, in the device''s numbering';
COMMENT ON COLUMN os_core.audio_runtime_events.capture_degraded IS 'Whether the microphone signal is worse than usual';
COMMENT ON COLUMN os_core.audio_runtime_events.aec_unstable IS 'Whether the acoustic echo cancellation is unstable; if so, the audit row is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.device_changed IS 'Whether the microphone or loudspeaker was replaced; if so, the audit row is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.stream_gap_detected IS 'Whether a part of the stream is missing; if so, the audit row is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.tts_playback_active IS 'Whether the device plays synthesised speech';
COMMENT ON COLUMN os_core.audio_runtime_events.row_hash IS 'SHA-256 of the previous row_hash of the device (32 zero bytes for the first) and the canonical bytes of this row';
COMMENT ON COLUMN os_core.audio_runtime_events.feed_number IS 'Drawn for each event: lane * 10^17 + number. Within a lane it grows in the order in which events became visible. 0: appended before the column was added. Not part of the row_hash';

ALTER TABLE os_core.audio_runtime_events ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME os_core.audio_runtime_events_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE SEQUENCE os_core.audio_runtime_events_feed_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE os_core.audio_runtime_events_feed_seq OWNED BY os_core.audio_runtime_events.feed_number;
COMMENT ON SEQUENCE os_core.audio_runtime_events_feed_seq IS 'The numbers in audio_runtime_events.feed_number. Must stay CACHE 1, and never go back';

ALTER TABLE ONLY os_core.audio_runtime_events ALTER COLUMN feed_number SET DEFAULT ((public.take_lane(7309) * '100000000000000000'::bigint) + nextval('os_core.audio_runtime_events_feed_seq'::regclass));

ALTER TABLE ONLY os_core.audio_runtime_events
    ADD CONSTRAINT audio_runtime_events_pkey PRIMARY KEY (event_id);
COMMENT ON INDEX os_core.audio_runtime_events_pkey IS 'event_id is unique over all tenants; statements use the indexes that begin with tenant_id';

CREATE INDEX ix_audio_runtime_events_latest_of_kind ON os_core.audio_runtime_events USING btree (tenant_id, device_id, event_kind, event_id) WHERE (event_kind IS NOT NULL);
COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_of_kind IS 'os_core.audio_runtime_replay: the latest event of each kind, without reading the history';

CREATE INDEX ix_audio_runtime_events_latest_session ON os_core.audio_runtime_events USING btree (tenant_id, device_id, event_id) WHERE (session_id IS NOT NULL);
COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_session IS 'os_core.audio_runtime_replay: the latest session of a device';

CREATE INDEX ix_audio_runtime_events_tenant ON os_core.audio_runtime_events USING btree (tenant_id, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant IS 'sql/audio_runtime/list_events.sql: a page of a tenant''s events';

CREATE UNIQUE INDEX ix_audio_runtime_events_tenant_device_time ON os_core.audio_runtime_events USING btree (tenant_id, device_id, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant_device_time IS 'sql/audio_runtime/list_device_events.sql and sql/audio_runtime/verify_events.sql: a device''s events in order. Target of the foreign keys of the heads, the projection and the audit trail';

CREATE INDEX ix_audio_runtime_events_tenant_feed ON os_core.audio_runtime_events USING btree (tenant_id, feed_number) WHERE (feed_number > 0);
COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant_feed IS 'sql/audio_runtime/feed.sql: the events of a tenant in each lane in order';

CREATE INDEX ix_audio_runtime_events_unnumbered ON os_core.audio_runtime_events USING btree (tenant_id, event_id) WHERE (feed_number = 0);
COMMENT ON INDEX os_core.ix_audio_runtime_events_unnumbered IS 'sql/audio_runtime/feed_unnumbered.sql; only events from before feed_number existed are in it';

CREATE UNIQUE INDEX ux_audio_runtime_events_dedupe ON os_core.audio_runtime_events USING btree (event_kind, tenant_id, device_id, idempotency_key);
COMMENT ON INDEX os_core.ux_audio_runtime_events_dedupe IS 'The dedupe key, which makes an event the same as an earlier one: sql/audio_runtime/append.sql';

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON os_core.audio_runtime_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_change;

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON os_core.audio_runtime_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_truncate;

ALTER TABLE ONLY os_core.audio_runtime_events
    ADD CONSTRAINT audio_runtime_events_device_fkey FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices(tenant_id, device_id);

ALTER TABLE ONLY os_core.audio_runtime_events
    ADD CONSTRAINT audio_runtime_events_session_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES os_core.sessions(tenant_id, session_id);

-- Table os_core.audio_runtime_heads

CREATE TABLE os_core.audio_runtime_heads (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    event_id bigint,
    row_hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    CONSTRAINT audio_runtime_heads_row_hash_check CHECK ((octet_length(row_hash) = 32))
)
WITH (fillfactor='50');
COMMENT ON TABLE os_core.audio_runtime_heads IS 'The head of each device''s chain; an append locks the row of its device';
COMMENT ON COLUMN os_core.audio_runtime_heads.event_id IS 'The newest event of the device; NULL: no event yet';
COMMENT ON COLUMN os_core.audio_runtime_heads.row_hash IS 'The row_hash of that event; 32 zero bytes when there is no event yet';

ALTER TABLE ONLY os_core.audio_runtime_heads
    ADD CONSTRAINT audio_runtime_heads_pkey PRIMARY KEY (tenant_id, device_id);
COMMENT ON INDEX os_core.audio_runtime_heads_pkey IS 'sql/audio_runtime/lock_heads.sql and sql/audio_runtime/list_heads.sql';

ALTER TABLE ONLY os_core.audio_runtime_heads
    ADD CONSTRAINT audio_runtime_heads_device_fkey FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices(tenant_id, device_id);

ALTER TABLE ONLY os_core.audio_runtime_heads
    ADD CONSTRAINT audio_runtime_heads_event_fkey FOREIGN KEY (tenant_id, device_id, event_id) REFERENCES os_core.audio_runtime_events(tenant_id, device_id, event_id);

-- Table os_core.audio_runtime_current

CREATE TABLE os_core.audio_runtime_current (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    session_id bigint,
    processed_stream_id text,
    raw_stream_id text,
    pre_roll_buffer_id bigint,
    selected_mic text,
    selected_speaker text,
    device_health text,
    jitter_ms double precision,
    drift_ppm double precision,
    buffer_depth_ms double precision,
    underruns bigint,
    overruns bigint,
    last_interrupt_phrase_id bigint,
    last_interrupt_phrase_text text,
    last_interrupt_reason_code bigint,
    capture_degraded boolean DEFAULT false NOT NULL,
    aec_unstable boolean DEFAULT false NOT NULL,
    device_changed boolean DEFAULT false NOT NULL,
    stream_gap_detected boolean DEFAULT false NOT NULL,
    tts_playback_active boolean DEFAULT false NOT NULL,
    last_event_id bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT audio_runtime_current_device_health_check CHECK ((device_health = ANY (ARRAY['HEALTHY'::text, 'DEGRADED'::text, 'FAILED'::text])))
)
WITH (fillfactor='50');
COMMENT ON TABLE os_core.audio_runtime_current IS 'Projection of the audio runtime ledger: one row per device that has events, as of last_event_id';
COMMENT ON COLUMN os_core.audio_runtime_current.session_id IS 'Of the latest event that has one';
COMMENT ON COLUMN os_core.audio_runtime_current.processed_stream_id IS 'Of the latest event of kind STREAM_REFS or VAD_EVENT; each column below is set by one kind';
COMMENT ON COLUMN os_core.audio_runtime_current.raw_stream_id IS 'Of the latest STREAM_REFS event; NULL when that event has none';
COMMENT ON COLUMN os_core.audio_runtime_current.pre_roll_buffer_id IS 'Of the latest STREAM_REFS event';
COMMENT ON COLUMN os_core.audio_runtime_current.selected_mic IS 'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.selected_speaker IS 'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.device_health IS 'Of the latest DEVICE_STATE event; NULL before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.jitter_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_current.drift_ppm IS 'Parts per million';
COMMENT ON COLUMN os_core.audio_runtime_current.buffer_depth_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_current.underruns IS 'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN os_core.audio_runtime_current.overruns IS 'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_phrase_id IS 'phrase_id of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_phrase_text IS 'phrase_text of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_reason_code IS 'reason_code of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.capture_degraded IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.aec_unstable IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.device_changed IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.stream_gap_detected IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.tts_playback_active IS 'Of the latest TTS_PLAYBACK_ACTIVE event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.last_event_id IS 'The newest event of the device, of any kind';
COMMENT ON COLUMN os_core.audio_runtime_current.updated_at IS 'created_at of that event: nanoseconds since 1970 by the device''s clock';

ALTER TABLE ONLY os_core.audio_runtime_current
    ADD CONSTRAINT audio_runtime_current_pkey PRIMARY KEY (tenant_id, device_id);
COMMENT ON INDEX os_core.audio_runtime_current_pkey IS 'sql/audio_runtime/get_current.sql and sql/audio_runtime/list_current.sql';

ALTER TABLE ONLY os_core.audio_runtime_current
    ADD CONSTRAINT audio_runtime_current_device_fkey FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices(tenant_id, device_id);

ALTER TABLE ONLY os_core.audio_runtime_current
    ADD CONSTRAINT audio_runtime_current_last_event_fkey FOREIGN KEY (tenant_id, device_id, last_event_id) REFERENCES os_core.audio_runtime_events(tenant_id, device_id, event_id);

ALTER TABLE ONLY os_core.audio_runtime_current
    ADD CONSTRAINT audio_runtime_current_session_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES os_core.sessions(tenant_id, session_id);

-- Table audio_runtime_verifications

CREATE TABLE public.audio_runtime_verifications (
    finished_at timestamp with time zone NOT NULL,
    findings bigint NOT NULL,
    CONSTRAINT audio_runtime_verifications_findings_check CHECK ((findings >= 0))
);
COMMENT ON TABLE public.audio_runtime_verifications IS 'Each verify of the whole audio ledger: one row, written when it ended';
COMMENT ON COLUMN public.audio_runtime_verifications.finished_at IS 'When verify ended';
COMMENT ON COLUMN public.audio_runtime_verifications.findings IS 'Lines that verify printed; 0: nothing is wrong';

ALTER TABLE ONLY public.audio_runtime_verifications
    ADD CONSTRAINT audio_runtime_verifications_pkey PRIMARY KEY (finished_at);
COMMENT ON INDEX public.audio_runtime_verifications_pkey IS 'sql/metrics/last_verify.sql and sql/pages/last_verify.sql';

-- Type os_core.audio_runtime_state

CREATE TYPE os_core.audio_runtime_state AS (
	tenant_id text COLLATE pg_catalog."C",
	device_id text COLLATE pg_catalog."C",
	session_id bigint,
	processed_stream_id text,
	raw_stream_id text,
	pre_roll_buffer_id bigint,
	selected_mic text,
	selected_speaker text,
	device_health text,
	jitter_ms double precision,
	drift_ppm double precision,
	buffer_depth_ms double precision,
	underruns bigint,
	overruns bigint,
	last_interrupt_phrase_id bigint,
	last_interrupt_phrase_text text,
	last_interrupt_reason_code bigint,
	capture_degraded boolean,
	aec_unstable boolean,
	device_changed boolean,
	stream_gap_detected boolean,
	tts_playback_active boolean,
	last_event_id bigint,
	updated_at bigint
);
COMMENT ON TYPE os_core.audio_runtime_state IS 'The state of a device: the columns of audio_runtime_current that follow from the ledger';

-- Type os_core.audio_runtime_event

CREATE TYPE os_core.audio_runtime_event AS (
	event_id bigint,
	tenant_id text COLLATE pg_catalog."C",
	device_id text COLLATE pg_catalog."C",
	session_id bigint,
	event_kind text COLLATE pg_catalog."C",
	created_at bigint,
	idempotency_key text COLLATE pg_catalog."C",
	processed_stream_id text,
	raw_stream_id text,
	pre_roll_buffer_id bigint,
	selected_mic text,
	selected_speaker text,
	device_health text,
	jitter_ms double precision,
	drift_ppm double precision,
	buffer_depth_ms double precision,
	underruns bigint,
	overruns bigint,
	phrase_id bigint,
	phrase_text text,
	reason_code bigint,
	capture_degraded boolean,
	aec_unstable boolean,
	device_changed boolean,
	stream_gap_detected boolean,
	tts_playback_active boolean,
	row_hash bytea
);
COMMENT ON TYPE os_core.audio_runtime_event IS 'The columns of audio_runtime_events that an event is made of, and its link';

-- Functions

CREATE FUNCTION os_core.canonical_field(field boolean) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE(('\x0100000001'::bytea || boolsend(field)), '\x00'::bytea);
COMMENT ON FUNCTION os_core.canonical_field(field boolean) IS 'canonical_field(bytea) of one byte: 01 for true, 00 for false';

CREATE FUNCTION os_core.canonical_field(field bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE((('\x01'::bytea || int4send(octet_length(field))) || field), '\x00'::bytea);
COMMENT ON FUNCTION os_core.canonical_field(field bytea) IS 'Encodes a field so that its end is unambiguous: 00 for NULL; else 01, the length in four bytes, and the bytes';

CREATE FUNCTION os_core.canonical_field(field double precision) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE(('\x0100000008'::bytea || float8send(field)), '\x00'::bytea);
COMMENT ON FUNCTION os_core.canonical_field(field double precision) IS 'canonical_field(bytea) of the eight bytes of IEEE 754, sign first';

CREATE FUNCTION os_core.canonical_field(field bigint) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE(('\x0100000008'::bytea || int8send(field)), '\x00'::bytea);
COMMENT ON FUNCTION os_core.canonical_field(field bigint) IS 'canonical_field(bytea) of the eight bytes, highest byte first';

CREATE FUNCTION os_core.canonical_field(field text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN os_core.canonical_field(convert_to(field, 'UTF8'::name));
COMMENT ON FUNCTION os_core.canonical_field(field text) IS 'canonical_field(bytea) of the text in UTF-8, whatever the encoding of the database';

CREATE FUNCTION os_core.canonical_kind(event_kind text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE event_kind WHEN 'STREAM_REFS'::text THEN os_core.canonical_field('\x53545245414d5f52454653'::bytea) WHEN 'VAD_EVENT'::text THEN os_core.canonical_field('\x5641445f4556454e54'::bytea) WHEN 'DEVICE_STATE'::text THEN os_core.canonical_field('\x4445564943455f5354415445'::bytea) WHEN 'TIMING_STATS'::text THEN os_core.canonical_field('\x54494d494e475f5354415453'::bytea) WHEN 'INTERRUPT_CANDIDATE'::text THEN os_core.canonical_field('\x494e544552525550545f43414e444944415445'::bytea) WHEN 'DEGRADATION_FLAGS'::text THEN os_core.canonical_field('\x4445475241444154494f4e5f464c414753'::bytea) WHEN 'TTS_PLAYBACK_ACTIVE'::text THEN os_core.canonical_field('\x5454535f504c41594241434b5f414354495645'::bytea) ELSE os_core.canonical_field(event_kind) END;
COMMENT ON FUNCTION os_core.canonical_kind(event_kind text) IS 'The same as canonical_field(text), but faster for an event_kind';

CREATE FUNCTION os_core.audio_runtime_event_canonical_v1(event_id bigint, names bytea, session_id bigint, event_kind text, created_at bigint, idempotency_key text, processed_stream_id text, raw_stream_id text, pre_roll_buffer_id bigint, selected_mic text, selected_speaker text, device_health text, jitter_ms double precision, drift_ppm double precision, buffer_depth_ms double precision, underruns bigint, overruns bigint, phrase_id bigint, phrase_text text, reason_code bigint, capture_degraded boolean, aec_unstable boolean, device_changed boolean, stream_gap_detected boolean, tts_playback_active boolean) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (((((((((((os_core.canonical_field(event_id) || names) || os_core.canonical_field(session_id)) || os_core.canonical_kind(event_kind)) || os_core.canonical_field(created_at)) || os_core.canonical_field(idempotency_key)) || CASE WHEN (ROW(processed_stream_id, raw_stream_id, pre_roll_buffer_id) IS NULL) THEN '\x000000'::bytea ELSE ((os_core.canonical_field(processed_stream_id) || os_core.canonical_field(raw_stream_id)) || os_core.canonical_field(pre_roll_buffer_id)) END) || CASE WHEN (ROW(selected_mic, selected_speaker, device_health) IS NULL) THEN '\x000000'::bytea ELSE ((os_core.canonical_field(selected_mic) || os_core.canonical_field(selected_speaker)) || os_core.canonical_field(device_health)) END) || CASE WHEN (ROW(jitter_ms, drift_ppm, buffer_depth_ms, underruns, overruns) IS NULL) THEN '\x0000000000'::bytea ELSE ((((os_core.canonical_field(jitter_ms) || os_core.canonical_field(drift_ppm)) || os_core.canonical_field(buffer_depth_ms)) || os_core.canonical_field(underruns)) || os_core.canonical_field(overruns)) END) || CASE WHEN (ROW(phrase_id, phrase_text, reason_code) IS NULL) THEN '\x000000'::bytea ELSE ((os_core.canonical_field(phrase_id) || os_core.canonical_field(phrase_text)) || os_core.canonical_field(reason_code)) END) || CASE WHEN (ROW(capture_degraded, aec_unstable, device_changed, stream_gap_detected) IS NULL) THEN '\x00000000'::bytea ELSE (((os_core.canonical_field(capture_degraded) || os_core.canonical_field(aec_unstable)) || os_core.canonical_field(device_changed)) || os_core.canonical_field(stream_gap_detected)) END) || os_core.canonical_field(tts_playback_active));
COMMENT ON FUNCTION os_core.audio_runtime_event_canonical_v1(event_id bigint, names bytea, session_id bigint, event_kind text, created_at bigint, idempotency_key text, processed_stream_id text, raw_stream_id text, pre_roll_buffer_id bigint, selected_mic text, selected_speaker text, device_health text, jitter_ms double precision, drift_ppm double precision, buffer_depth_ms double precision, underruns bigint, overruns bigint, phrase_id bigint, phrase_text text, reason_code bigint, capture_degraded boolean, aec_unstable boolean, device_changed boolean, stream_gap_detected boolean, tts_playback_active boolean) IS 'The bytes of a ledger row that its row_hash covers; names is the canonical_field of tenant_id followed by that of device_id. Must never change: rows of any age are checked with it. audio_runtime_event_content adds the bytes of columns that the ledger gets later';

CREATE FUNCTION os_core.chain_step(reached bytea, head bytea, content bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256((COALESCE(reached, head) || content));
COMMENT ON FUNCTION os_core.chain_step(reached bytea, head bytea, content bytea) IS 'One link: the SHA-256 of the link before it (of head, for the first) and the content';

CREATE AGGREGATE os_core.chain(head bytea, content bytea) (
    SFUNC = os_core.chain_step,
    STYPE = bytea
);
COMMENT ON AGGREGATE os_core.chain(head bytea, content bytea) IS 'The link reached after all contents, in the order of the window, when the chain begins at head';

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_event) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT os_core.audio_runtime_event_content(
    event, os_core.canonical_names(event.tenant_id, event.device_id)
)
$$;
COMMENT ON FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_event) IS 'The canonical bytes of a stored row, which its row_hash covers, in the version that applies to it';

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT os_core.audio_runtime_event_content(
    event, os_core.canonical_names(event.tenant_id, event.device_id)
)
$$;
COMMENT ON FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events) IS 'The canonical bytes of a stored row, which its row_hash covers, in the version that applies to it';

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_event, names bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT os_core.audio_runtime_event_content(
    event, event.event_id, audio_runtime_event_content.names
)
$$;
COMMENT ON FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_event, names bytea) IS 'The same as audio_runtime_event_content(event); a caller that goes through the rows of one device computes names once, by canonical_names';

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events, names bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT os_core.audio_runtime_event_content(
    event, event.event_id, audio_runtime_event_content.names
)
$$;
COMMENT ON FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events, names bytea) IS 'The same as audio_runtime_event_content(event); a caller that goes through the rows of one device computes names once: the canonical_field of tenant_id followed by that of device_id';

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_event, event_id bigint, names bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT os_core.audio_runtime_event_canonical_v1(
    audio_runtime_event_content.event_id,
    audio_runtime_event_content.names,
    event.session_id,
    event.event_kind,
    event.created_at,
    event.idempotency_key,
    event.processed_stream_id,
    event.raw_stream_id,
    event.pre_roll_buffer_id,
    event.selected_mic,
    event.selected_speaker,
    event.device_health,
    event.jitter_ms,
    event.drift_ppm,
    event.buffer_depth_ms,
    event.underruns,
    event.overruns,
    event.phrase_id,
    event.phrase_text,
    event.reason_code,
    event.capture_degraded,
    event.aec_unstable,
    event.device_changed,
    event.stream_gap_detected,
    event.tts_playback_active
)
$$;
COMMENT ON FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_event, event_id bigint, names bytea) IS 'The canonical bytes of a row that is to be stored with this event_id';

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events, event_id bigint, names bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT os_core.audio_runtime_event_canonical_v1(
    audio_runtime_event_content.event_id,
    audio_runtime_event_content.names,
    event.session_id,
    event.event_kind,
    event.created_at,
    event.idempotency_key,
    event.processed_stream_id,
    event.raw_stream_id,
    event.pre_roll_buffer_id,
    event.selected_mic,
    event.selected_speaker,
    event.device_health,
    event.jitter_ms,
    event.drift_ppm,
    event.buffer_depth_ms,
    event.underruns,
    event.overruns,
    event.phrase_id,
    event.phrase_text,
    event.reason_code,
    event.capture_degraded,
    event.aec_unstable,
    event.device_changed,
    event.stream_gap_detected,
    event.tts_playback_active
)
$$;
COMMENT ON FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events, event_id bigint, names bytea) IS 'The canonical bytes of a row that is to be stored with this event_id';

CREATE FUNCTION os_core.audio_runtime_collision() RETURNS text
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE serialization_failure USING MESSAGE = 'another writer appended for the same device';
END;
$$;
COMMENT ON FUNCTION os_core.audio_runtime_collision() IS 'Fails the append that calls it, because its head has changed; the append can be run again';

CREATE FUNCTION os_core.audio_runtime_state_of(stored os_core.audio_runtime_current) RETURNS os_core.audio_runtime_state
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
-- In the order of the type.
SELECT row(
    stored.tenant_id,
    stored.device_id,
    stored.session_id,
    stored.processed_stream_id,
    stored.raw_stream_id,
    stored.pre_roll_buffer_id,
    stored.selected_mic,
    stored.selected_speaker,
    stored.device_health,
    stored.jitter_ms,
    stored.drift_ppm,
    stored.buffer_depth_ms,
    stored.underruns,
    stored.overruns,
    stored.last_interrupt_phrase_id,
    stored.last_interrupt_phrase_text,
    stored.last_interrupt_reason_code,
    stored.capture_degraded,
    stored.aec_unstable,
    stored.device_changed,
    stored.stream_gap_detected,
    stored.tts_playback_active,
    stored.last_event_id,
    stored.updated_at
)::os_core.audio_runtime_state
$$;
COMMENT ON FUNCTION os_core.audio_runtime_state_of(stored os_core.audio_runtime_current) IS 'The state that a row of the projection holds, to compare it with what the replay gives';

CREATE FUNCTION os_core.audio_runtime_fold(stored os_core.audio_runtime_current, events os_core.audio_runtime_events[]) RETURNS SETOF os_core.audio_runtime_state
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    AS $$
-- In the order of the type.
SELECT
    max(latest.tenant_id),
    max(latest.device_id),
    coalesce(
        (
            SELECT given.session_id
            FROM unnest(audio_runtime_fold.events) AS given
            WHERE given.session_id IS NOT NULL
            ORDER BY given.event_id DESC
            LIMIT 1
        ),
        (audio_runtime_fold.stored).session_id
    ),
    coalesce(
        (
            array_agg(latest.processed_stream_id ORDER BY latest.event_id DESC)
            FILTER (WHERE latest.processed_stream_id IS NOT NULL)
        )[1],
        (audio_runtime_fold.stored).processed_stream_id
    ),
    -- A STREAM_REFS event always sets pre_roll_buffer_id; its raw_stream_id may be NULL.
    CASE
        WHEN max(latest.pre_roll_buffer_id) IS NULL THEN (audio_runtime_fold.stored).raw_stream_id
        ELSE max(latest.raw_stream_id)
    END,
    -- Each column below is set by one kind alone, so max() returns the only value.
    coalesce(max(latest.pre_roll_buffer_id), (audio_runtime_fold.stored).pre_roll_buffer_id),
    coalesce(max(latest.selected_mic), (audio_runtime_fold.stored).selected_mic),
    coalesce(max(latest.selected_speaker), (audio_runtime_fold.stored).selected_speaker),
    coalesce(max(latest.device_health), (audio_runtime_fold.stored).device_health),
    coalesce(max(latest.jitter_ms), (audio_runtime_fold.stored).jitter_ms),
    coalesce(max(latest.drift_ppm), (audio_runtime_fold.stored).drift_ppm),
    coalesce(max(latest.buffer_depth_ms), (audio_runtime_fold.stored).buffer_depth_ms),
    coalesce(max(latest.underruns), (audio_runtime_fold.stored).underruns),
    coalesce(max(latest.overruns), (audio_runtime_fold.stored).overruns),
    coalesce(max(latest.phrase_id), (audio_runtime_fold.stored).last_interrupt_phrase_id),
    coalesce(max(latest.phrase_text), (audio_runtime_fold.stored).last_interrupt_phrase_text),
    coalesce(max(latest.reason_code), (audio_runtime_fold.stored).last_interrupt_reason_code),
    coalesce(bool_or(latest.capture_degraded), (audio_runtime_fold.stored).capture_degraded, FALSE),
    coalesce(bool_or(latest.aec_unstable), (audio_runtime_fold.stored).aec_unstable, FALSE),
    coalesce(bool_or(latest.device_changed), (audio_runtime_fold.stored).device_changed, FALSE),
    coalesce(
        bool_or(latest.stream_gap_detected), (audio_runtime_fold.stored).stream_gap_detected, FALSE
    ),
    coalesce(
        bool_or(latest.tts_playback_active), (audio_runtime_fold.stored).tts_playback_active, FALSE
    ),
    max(latest.event_id),
    (array_agg(latest.created_at ORDER BY latest.event_id DESC))[1]
FROM (
    SELECT DISTINCT ON (event.event_kind) event.*
    FROM unnest(audio_runtime_fold.events) AS event
    ORDER BY event.event_kind ASC, event.event_id DESC
) AS latest
HAVING count(*) > 0;
$$;
COMMENT ON FUNCTION os_core.audio_runtime_fold(stored os_core.audio_runtime_current, events os_core.audio_runtime_events[]) IS 'The row of audio_runtime_current after some events of one device. All events must be newer than stored, the row before them (NULL: no row). Returns no row when there are no events';

CREATE FUNCTION os_core.audio_runtime_fold(stored os_core.audio_runtime_state, events os_core.audio_runtime_event[]) RETURNS SETOF os_core.audio_runtime_state
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    AS $$
-- In the order of the type.
SELECT
    max(latest.tenant_id),
    max(latest.device_id),
    coalesce(
        (
            SELECT given.session_id
            FROM unnest(audio_runtime_fold.events) AS given
            WHERE given.session_id IS NOT NULL
            ORDER BY given.event_id DESC
            LIMIT 1
        ),
        (audio_runtime_fold.stored).session_id
    ),
    coalesce(
        (
            array_agg(latest.processed_stream_id ORDER BY latest.event_id DESC)
            FILTER (WHERE latest.processed_stream_id IS NOT NULL)
        )[1],
        (audio_runtime_fold.stored).processed_stream_id
    ),
    -- A STREAM_REFS event always sets pre_roll_buffer_id; its raw_stream_id may be NULL.
    CASE
        WHEN max(latest.pre_roll_buffer_id) IS NULL THEN (audio_runtime_fold.stored).raw_stream_id
        ELSE max(latest.raw_stream_id)
    END,
    -- Each column below is set by one kind alone, so max() returns the only value.
    coalesce(max(latest.pre_roll_buffer_id), (audio_runtime_fold.stored).pre_roll_buffer_id),
    coalesce(max(latest.selected_mic), (audio_runtime_fold.stored).selected_mic),
    coalesce(max(latest.selected_speaker), (audio_runtime_fold.stored).selected_speaker),
    coalesce(max(latest.device_health), (audio_runtime_fold.stored).device_health),
    coalesce(max(latest.jitter_ms), (audio_runtime_fold.stored).jitter_ms),
    coalesce(max(latest.drift_ppm), (audio_runtime_fold.stored).drift_ppm),
    coalesce(max(latest.buffer_depth_ms), (audio_runtime_fold.stored).buffer_depth_ms),
    coalesce(max(latest.underruns), (audio_runtime_fold.stored).underruns),
    coalesce(max(latest.overruns), (audio_runtime_fold.stored).overruns),
    coalesce(max(latest.phrase_id), (audio_runtime_fold.stored).last_interrupt_phrase_id),
    coalesce(max(latest.phrase_text), (audio_runtime_fold.stored).last_interrupt_phrase_text),
    coalesce(max(latest.reason_code), (audio_runtime_fold.stored).last_interrupt_reason_code),
    coalesce(bool_or(latest.capture_degraded), (audio_runtime_fold.stored).capture_degraded, FALSE),
    coalesce(bool_or(latest.aec_unstable), (audio_runtime_fold.stored).aec_unstable, FALSE),
    coalesce(bool_or(latest.device_changed), (audio_runtime_fold.stored).device_changed, FALSE),
    coalesce(
        bool_or(latest.stream_gap_detected), (audio_runtime_fold.stored).stream_gap_detected, FALSE
    ),
    coalesce(
        bool_or(latest.tts_playback_active), (audio_runtime_fold.stored).tts_playback_active, FALSE
    ),
    max(latest.event_id),
    (array_agg(latest.created_at ORDER BY latest.event_id DESC))[1]
FROM (
    SELECT DISTINCT ON (event.event_kind) event.*
    FROM unnest(audio_runtime_fold.events) AS event
    ORDER BY event.event_kind ASC, event.event_id DESC
) AS latest
HAVING count(*) > 0;
$$;
COMMENT ON FUNCTION os_core.audio_runtime_fold(stored os_core.audio_runtime_state, events os_core.audio_runtime_event[]) IS 'The state of a device after some of its events. All events must be newer than stored, the state before them (NULL: no state). Returns no row when there are no events';

CREATE FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text) RETURNS SETOF os_core.audio_runtime_state
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    AS $$
-- MATERIALIZED, because the fold refers to its events twice and would look them up twice.
WITH latest_events AS MATERIALIZED (
    -- The state depends on eight events alone: the latest of each kind, and the latest with a
    -- session. Indexes find them without reading the history.
    SELECT array(
        SELECT latest.ledger_row
        FROM (
            VALUES
            ('STREAM_REFS'),
            ('VAD_EVENT'),
            ('DEVICE_STATE'),
            ('TIMING_STATS'),
            ('INTERRUPT_CANDIDATE'),
            ('DEGRADATION_FLAGS'),
            ('TTS_PLAYBACK_ACTIVE')
        ) AS kind (name)
        CROSS JOIN LATERAL (
            SELECT row(
                ledger_row.event_id, ledger_row.tenant_id, ledger_row.device_id,
                ledger_row.session_id, ledger_row.event_kind, ledger_row.created_at,
                ledger_row.idempotency_key, ledger_row.processed_stream_id,
                ledger_row.raw_stream_id, ledger_row.pre_roll_buffer_id, ledger_row.selected_mic,
                ledger_row.selected_speaker, ledger_row.device_health, ledger_row.jitter_ms,
                ledger_row.drift_ppm, ledger_row.buffer_depth_ms, ledger_row.underruns,
                ledger_row.overruns, ledger_row.phrase_id, ledger_row.phrase_text,
                ledger_row.reason_code, ledger_row.capture_degraded, ledger_row.aec_unstable,
                ledger_row.device_changed, ledger_row.stream_gap_detected,
                ledger_row.tts_playback_active, ledger_row.row_hash
            )::os_core.audio_runtime_event AS ledger_row
            FROM os_core.audio_runtime_events AS ledger_row
            WHERE
                ledger_row.tenant_id = audio_runtime_replay.of_tenant_id
                AND ledger_row.device_id = audio_runtime_replay.of_device_id
                -- BETWEEN x AND x instead of = x forces the index on the kind. With = the planner
                -- may walk the events of all kinds back to the first, when this kind has none.
                AND ledger_row.event_kind BETWEEN kind.name AND kind.name
            ORDER BY ledger_row.event_kind DESC, ledger_row.event_id DESC
            LIMIT 1
        ) AS latest
        UNION ALL
        (
            SELECT row(
                ledger_row.event_id, ledger_row.tenant_id, ledger_row.device_id,
                ledger_row.session_id, ledger_row.event_kind, ledger_row.created_at,
                ledger_row.idempotency_key, ledger_row.processed_stream_id,
                ledger_row.raw_stream_id, ledger_row.pre_roll_buffer_id, ledger_row.selected_mic,
                ledger_row.selected_speaker, ledger_row.device_health, ledger_row.jitter_ms,
                ledger_row.drift_ppm, ledger_row.buffer_depth_ms, ledger_row.underruns,
                ledger_row.overruns, ledger_row.phrase_id, ledger_row.phrase_text,
                ledger_row.reason_code, ledger_row.capture_degraded, ledger_row.aec_unstable,
                ledger_row.device_changed, ledger_row.stream_gap_detected,
                ledger_row.tts_playback_active, ledger_row.row_hash
            )::os_core.audio_runtime_event AS ledger_row
            FROM os_core.audio_runtime_events AS ledger_row
            WHERE
                ledger_row.tenant_id = audio_runtime_replay.of_tenant_id
                AND ledger_row.device_id = audio_runtime_replay.of_device_id
                AND ledger_row.session_id IS NOT NULL
            ORDER BY ledger_row.event_id DESC
            LIMIT 1
        )
    ) AS events
)

SELECT folded.*
FROM latest_events
CROSS JOIN LATERAL os_core.audio_runtime_fold(NULL, latest_events.events) AS folded;
$$;
COMMENT ON FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text) IS 'The row that audio_runtime_current must have for a device, from the ledger alone; no row: the device has no events';

CREATE FUNCTION os_core.audio_runtime_sequence_behind() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- As the collision that another id of this sequence would end in.
    RAISE unique_violation
    USING
        MESSAGE = 'audio_runtime_events_event_id_seq gave an id that is not above the head''s',
        SCHEMA = 'os_core',
        TABLE = 'audio_runtime_events',
        CONSTRAINT = 'audio_runtime_events_pkey',
        HINT = 'Set the sequence to the highest event_id with setval().';
END;
$$;
COMMENT ON FUNCTION os_core.audio_runtime_sequence_behind() IS 'Fails the append that calls it, because its event_id would not be the newest of its device';

CREATE FUNCTION os_core.canonical_names(tenant_id text, device_id text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (os_core.canonical_field(tenant_id) || os_core.canonical_field(device_id));
COMMENT ON FUNCTION os_core.canonical_names(tenant_id text, device_id text) IS 'The canonical bytes of the two names of a device, which are the same in all of its rows';


-- Room: audit

-- Schema

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'What auditors read';

-- Table audit.audit_events

CREATE TABLE audit.audit_events (
    audit_event_id bigint NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    engine text NOT NULL COLLATE pg_catalog."C",
    event_type text NOT NULL COLLATE pg_catalog."C",
    reason_codes text[] NOT NULL,
    severity text NOT NULL COLLATE pg_catalog."C",
    source_event_id bigint NOT NULL,
    payload_min jsonb NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT audit_events_degradation_flags_check CHECK (((NOT (payload_min ? 'degradation_flags'::text)) OR (((jsonb_typeof((payload_min -> 'degradation_flags'::text)) = 'object'::text) AND (((payload_min -> 'degradation_flags'::text) - ARRAY['capture_degraded'::text, 'aec_unstable'::text, 'device_changed'::text, 'stream_gap_detected'::text]) = '{}'::jsonb) AND (jsonb_typeof((payload_min #> '{degradation_flags,capture_degraded}'::text[])) = 'boolean'::text) AND (jsonb_typeof((payload_min #> '{degradation_flags,aec_unstable}'::text[])) = 'boolean'::text) AND (jsonb_typeof((payload_min #> '{degradation_flags,device_changed}'::text[])) = 'boolean'::text) AND (jsonb_typeof((payload_min #> '{degradation_flags,stream_gap_detected}'::text[])) = 'boolean'::text)) IS TRUE))),
    CONSTRAINT audit_events_engine_check CHECK ((engine = 'PH1.K'::text)),
    CONSTRAINT audit_events_event_type_check CHECK ((event_type = ANY (ARRAY['K_STREAM_REFS_COMMIT'::text, 'K_VAD_EVENT_MARKER_COMMIT'::text, 'K_DEVICE_STATE_COMMIT'::text, 'K_TIMING_STATS_COMMIT'::text, 'K_INTERRUPT_CANDIDATE_COMMIT'::text, 'K_DEGRADATION_FLAGS_COMMIT'::text, 'K_TTS_PLAYBACK_ACTIVE_COMMIT'::text]))),
    CONSTRAINT audit_events_payload_min_check CHECK (((jsonb_typeof(payload_min) = 'object'::text) AND ((payload_min - ARRAY['tenant_id'::text, 'device_id'::text, 'session_id'::text, 'event_kind'::text, 'processed_stream_id'::text, 'pre_roll_buffer_id'::text, 'device_health'::text, 'tts_playback_active'::text, 'interrupt_phrase_id'::text, 'interrupt_phrase_text'::text, 'degradation_flags'::text]) = '{}'::jsonb))),
    CONSTRAINT audit_events_payload_min_scalars_check CHECK ((NOT jsonb_path_exists((payload_min - 'degradation_flags'::text), '$.*?(@.type() == "object" || @.type() == "array")'::jsonpath))),
    CONSTRAINT audit_events_payload_min_scope_check CHECK ((payload_min @> jsonb_build_object('tenant_id', tenant_id, 'device_id', device_id))),
    CONSTRAINT audit_events_reason_codes_check CHECK ((reason_codes <@ ARRAY['K_INTERRUPT_CANDIDATE_EMITTED'::text, 'K_STREAM_GAP_DETECTED'::text, 'K_AEC_UNSTABLE'::text, 'K_DEVICE_FAILOVER'::text, 'K_DEVICE_UNHEALTHY'::text])),
    CONSTRAINT audit_events_severity_check CHECK ((severity =
CASE
    WHEN (reason_codes && ARRAY['K_STREAM_GAP_DETECTED'::text, 'K_AEC_UNSTABLE'::text, 'K_DEVICE_FAILOVER'::text, 'K_DEVICE_UNHEALTHY'::text]) THEN 'WARN'::text
    ELSE 'INFO'::text
END))
);
COMMENT ON TABLE audit.audit_events IS 'Append-only audit trail: one row per event of a ledger, written in the same transaction';
COMMENT ON COLUMN audit.audit_events.audit_event_id IS 'In commit order within a device, like source_event_id';
COMMENT ON COLUMN audit.audit_events.engine IS 'The engine of the ledger: PH1.K, the audio runtime';
COMMENT ON COLUMN audit.audit_events.event_type IS 'What was committed';
COMMENT ON COLUMN audit.audit_events.reason_codes IS 'Why an auditor may want to look, in the order of audit_events_reason_codes_check; often empty';
COMMENT ON COLUMN audit.audit_events.severity IS 'WARN when reason_codes has any but K_INTERRUPT_CANDIDATE_EMITTED, else INFO';
COMMENT ON COLUMN audit.audit_events.source_event_id IS 'event_id of the ledger event';
COMMENT ON COLUMN audit.audit_events.payload_min IS 'The fields of the event that auditors may see; a field without a value is left out';
COMMENT ON COLUMN audit.audit_events.recorded_at IS 'When the transaction began, by this database''s clock; no hash covers it';

ALTER TABLE audit.audit_events ALTER COLUMN audit_event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.audit_events_audit_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY audit.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (audit_event_id);
COMMENT ON INDEX audit.audit_events_pkey IS 'audit_event_id is unique over all tenants; statements use the indexes that begin with tenant_id';

CREATE INDEX ix_audit_events_tenant ON audit.audit_events USING btree (tenant_id, audit_event_id);
COMMENT ON INDEX audit.ix_audit_events_tenant IS 'sql/audit/list.sql';

CREATE INDEX ix_audit_events_tenant_device ON audit.audit_events USING btree (tenant_id, device_id, audit_event_id);
COMMENT ON INDEX audit.ix_audit_events_tenant_device IS 'sql/audit/list_device.sql';

CREATE UNIQUE INDEX ux_audit_events_source ON audit.audit_events USING btree (tenant_id, device_id, source_event_id);
COMMENT ON INDEX audit.ux_audit_events_source IS 'One row per event; sql/audio_runtime/verify_events.sql, which reads it side by side with the ledger';

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON audit.audit_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_change;

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.audit_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_truncate;

ALTER TABLE ONLY audit.audit_events
    ADD CONSTRAINT audit_events_source_event_fkey FOREIGN KEY (tenant_id, device_id, source_event_id) REFERENCES os_core.audio_runtime_events(tenant_id, device_id, event_id);

-- Functions

CREATE FUNCTION audit.audio_runtime_names(tenant_id text, device_id text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat('"device_id": ', to_json(device_id), ', "tenant_id": ', to_json(tenant_id));
COMMENT ON FUNCTION audit.audio_runtime_names(tenant_id text, device_id text) IS 'The members device_id and tenant_id of payload_min, as text';

CREATE FUNCTION audit.audio_runtime_payload(event os_core.audio_runtime_event, names text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT audit.audio_runtime_payload(
    audio_runtime_payload.names,
    event.event_kind,
    event.session_id,
    event.device_health,
    event.aec_unstable,
    event.device_changed,
    event.capture_degraded,
    event.stream_gap_detected,
    event.pre_roll_buffer_id,
    event.phrase_id,
    event.processed_stream_id,
    event.tts_playback_active,
    event.phrase_text
)
$$;
COMMENT ON FUNCTION audit.audio_runtime_payload(event os_core.audio_runtime_event, names text) IS 'payload_min of the audit row of an event, exactly as payload_min::text gives it; names is the result of audio_runtime_names';

CREATE FUNCTION audit.audio_runtime_payload(event os_core.audio_runtime_events, names text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT audit.audio_runtime_payload(
    audio_runtime_payload.names,
    event.event_kind,
    event.session_id,
    event.device_health,
    event.aec_unstable,
    event.device_changed,
    event.capture_degraded,
    event.stream_gap_detected,
    event.pre_roll_buffer_id,
    event.phrase_id,
    event.processed_stream_id,
    event.tts_playback_active,
    event.phrase_text
)
$$;
COMMENT ON FUNCTION audit.audio_runtime_payload(event os_core.audio_runtime_events, names text) IS 'payload_min of the audit row of a ledger row, exactly as payload_min::text gives it; names is the result of audio_runtime_names';

CREATE FUNCTION audit.audio_runtime_payload(names text, event_kind text, session_id bigint, device_health text, aec_unstable boolean, device_changed boolean, capture_degraded boolean, stream_gap_detected boolean, pre_roll_buffer_id bigint, phrase_id bigint, processed_stream_id text, tts_playback_active boolean, phrase_text text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat('{', names, CASE event_kind WHEN 'STREAM_REFS'::text THEN ', "event_kind": "STREAM_REFS"'::text WHEN 'VAD_EVENT'::text THEN ', "event_kind": "VAD_EVENT"'::text WHEN 'DEVICE_STATE'::text THEN ', "event_kind": "DEVICE_STATE"'::text WHEN 'TIMING_STATS'::text THEN ', "event_kind": "TIMING_STATS"'::text WHEN 'INTERRUPT_CANDIDATE'::text THEN ', "event_kind": "INTERRUPT_CANDIDATE"'::text WHEN 'DEGRADATION_FLAGS'::text THEN ', "event_kind": "DEGRADATION_FLAGS"'::text WHEN 'TTS_PLAYBACK_ACTIVE'::text THEN ', "event_kind": "TTS_PLAYBACK_ACTIVE"'::text ELSE (', "event_kind": '::text || (to_json(event_kind))::text) END, (', "session_id": '::text || (session_id)::text), (', "device_health": '::text || (to_json(device_health))::text), CASE WHEN (event_kind = 'DEGRADATION_FLAGS'::text) THEN concat(', "degradation_flags": {', concat_ws(', '::text, ('"aec_unstable": '::text || (aec_unstable)::text), ('"device_changed": '::text || (device_changed)::text), ('"capture_degraded": '::text || (capture_degraded)::text), ('"stream_gap_detected": '::text || (stream_gap_detected)::text)), '}') ELSE NULL::text END, (', "pre_roll_buffer_id": '::text || (pre_roll_buffer_id)::text), (', "interrupt_phrase_id": '::text || (phrase_id)::text), (', "processed_stream_id": '::text || (to_json(processed_stream_id))::text), (', "tts_playback_active": '::text || (tts_playback_active)::text), (', "interrupt_phrase_text": '::text || (to_json(phrase_text))::text), '}');
COMMENT ON FUNCTION audit.audio_runtime_payload(names text, event_kind text, session_id bigint, device_health text, aec_unstable boolean, device_changed boolean, capture_degraded boolean, stream_gap_detected boolean, pre_roll_buffer_id bigint, phrase_id bigint, processed_stream_id text, tts_playback_active boolean, phrase_text text) IS 'The same as audio_runtime_payload(event, names), from the columns of the ledger row';

CREATE FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_event) RETURNS TABLE(event_type text, reason_codes text[], severity text, payload_min jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    AS $$
SELECT
    CASE event.event_kind
        WHEN 'STREAM_REFS' THEN 'K_STREAM_REFS_COMMIT'
        WHEN 'VAD_EVENT' THEN 'K_VAD_EVENT_MARKER_COMMIT'
        WHEN 'DEVICE_STATE' THEN 'K_DEVICE_STATE_COMMIT'
        WHEN 'TIMING_STATS' THEN 'K_TIMING_STATS_COMMIT'
        WHEN 'INTERRUPT_CANDIDATE' THEN 'K_INTERRUPT_CANDIDATE_COMMIT'
        WHEN 'DEGRADATION_FLAGS' THEN 'K_DEGRADATION_FLAGS_COMMIT'
        WHEN 'TTS_PLAYBACK_ACTIVE' THEN 'K_TTS_PLAYBACK_ACTIVE_COMMIT'
        ELSE 'K_' || event.event_kind || '_COMMIT'
    END,
    CASE
        WHEN event.event_kind <> 'INTERRUPT_CANDIDATE' AND NOT known.alarming THEN '{}'::text[]
        ELSE array_remove(
            ARRAY[
                CASE
                    WHEN event.event_kind = 'INTERRUPT_CANDIDATE'
                        THEN 'K_INTERRUPT_CANDIDATE_EMITTED'
                END,
                CASE WHEN event.stream_gap_detected THEN 'K_STREAM_GAP_DETECTED' END,
                CASE WHEN event.aec_unstable THEN 'K_AEC_UNSTABLE' END,
                CASE WHEN event.device_changed THEN 'K_DEVICE_FAILOVER' END,
                CASE WHEN event.device_health <> 'HEALTHY' THEN 'K_DEVICE_UNHEALTHY' END
            ],
            NULL
        )
    END,
    CASE WHEN known.alarming THEN 'WARN' ELSE 'INFO' END,
    audit.audio_runtime_payload(
        event, audit.audio_runtime_names(event.tenant_id, event.device_id)
    )::jsonb
FROM (
    SELECT
        (
            event.stream_gap_detected
            OR event.aec_unstable
            OR event.device_changed
            OR event.device_health <> 'HEALTHY'
        ) IS TRUE AS alarming
) AS known;
$$;
COMMENT ON FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_event) IS 'The audit row of an event: an append inserts it, and verify compares with it';

CREATE FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_events) RETURNS TABLE(event_type text, reason_codes text[], severity text, payload_min jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    AS $$
SELECT
    CASE event.event_kind
        WHEN 'STREAM_REFS' THEN 'K_STREAM_REFS_COMMIT'
        WHEN 'VAD_EVENT' THEN 'K_VAD_EVENT_MARKER_COMMIT'
        WHEN 'DEVICE_STATE' THEN 'K_DEVICE_STATE_COMMIT'
        WHEN 'TIMING_STATS' THEN 'K_TIMING_STATS_COMMIT'
        WHEN 'INTERRUPT_CANDIDATE' THEN 'K_INTERRUPT_CANDIDATE_COMMIT'
        WHEN 'DEGRADATION_FLAGS' THEN 'K_DEGRADATION_FLAGS_COMMIT'
        WHEN 'TTS_PLAYBACK_ACTIVE' THEN 'K_TTS_PLAYBACK_ACTIVE_COMMIT'
        ELSE 'K_' || event.event_kind || '_COMMIT'
    END,
    CASE
        WHEN event.event_kind <> 'INTERRUPT_CANDIDATE' AND NOT known.alarming THEN '{}'::text[]
        ELSE array_remove(
            ARRAY[
                CASE
                    WHEN event.event_kind = 'INTERRUPT_CANDIDATE'
                        THEN 'K_INTERRUPT_CANDIDATE_EMITTED'
                END,
                CASE WHEN event.stream_gap_detected THEN 'K_STREAM_GAP_DETECTED' END,
                CASE WHEN event.aec_unstable THEN 'K_AEC_UNSTABLE' END,
                CASE WHEN event.device_changed THEN 'K_DEVICE_FAILOVER' END,
                CASE WHEN event.device_health <> 'HEALTHY' THEN 'K_DEVICE_UNHEALTHY' END
            ],
            NULL
        )
    END,
    CASE WHEN known.alarming THEN 'WARN' ELSE 'INFO' END,
    audit.audio_runtime_payload(
        event, audit.audio_runtime_names(event.tenant_id, event.device_id)
    )::jsonb
FROM (
    SELECT
        (
            event.stream_gap_detected
            OR event.aec_unstable
            OR event.device_changed
            OR event.device_health <> 'HEALTHY'
        ) IS TRUE AS alarming
) AS known;
$$;
COMMENT ON FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_events) IS 'The audit row of a ledger row: an append inserts it, and verify compares with it';


-- Room: retention

-- Table retention_passes

CREATE TABLE public.retention_passes (
    kind text NOT NULL,
    older_than interval NOT NULL,
    first_started_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone NOT NULL,
    deleted bigint DEFAULT 0 NOT NULL,
    deleted_total bigint DEFAULT 0 NOT NULL,
    finished_at timestamp with time zone,
    finished_older_than interval,
    failed_at timestamp with time zone,
    error text,
    CONSTRAINT retention_passes_kind_check CHECK ((kind = ANY (ARRAY['agent_runs'::text, 'runtime_events'::text])))
)
WITH (fillfactor='50');
COMMENT ON TABLE public.retention_passes IS 'The newest prune of each table that retention prunes: one row per table';
COMMENT ON COLUMN public.retention_passes.kind IS 'The table that is pruned';
COMMENT ON COLUMN public.retention_passes.older_than IS 'The age from which rows are deleted, of the newest pass';
COMMENT ON COLUMN public.retention_passes.first_started_at IS 'When the very first pass began';
COMMENT ON COLUMN public.retention_passes.started_at IS 'When the newest pass began';
COMMENT ON COLUMN public.retention_passes.leased_until IS 'No other web process begins a pass before this; each batch moves it';
COMMENT ON COLUMN public.retention_passes.deleted IS 'Rows that the newest pass has deleted so far';
COMMENT ON COLUMN public.retention_passes.deleted_total IS 'Rows that all passes have deleted';
COMMENT ON COLUMN public.retention_passes.finished_at IS 'When the last complete pass ended';
COMMENT ON COLUMN public.retention_passes.finished_older_than IS 'The age that the last complete pass had';
COMMENT ON COLUMN public.retention_passes.failed_at IS 'When a pass ended early; NULL when a later one was complete';
COMMENT ON COLUMN public.retention_passes.error IS 'Why it ended early';

ALTER TABLE ONLY public.retention_passes
    ADD CONSTRAINT retention_passes_pkey PRIMARY KEY (kind);
COMMENT ON INDEX public.retention_passes_pkey IS 'sql/retention/claim.sql and sql/retention/state.sql';

-- Table runtime_events_pruned

CREATE TABLE public.runtime_events_pruned (
    lane smallint NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT runtime_events_pruned_lane_check CHECK (((lane >= 0) AND (lane <= 63)))
)
WITH (fillfactor='50');
COMMENT ON TABLE public.runtime_events_pruned IS 'The highest number that retention has deleted from each lane of runtime_events';
COMMENT ON COLUMN public.runtime_events_pruned.lane IS 'As in runtime_events';
COMMENT ON COLUMN public.runtime_events_pruned.number IS 'As in runtime_events; never gets lower';

ALTER TABLE ONLY public.runtime_events_pruned
    ADD CONSTRAINT runtime_events_pruned_pkey PRIMARY KEY (lane);
COMMENT ON INDEX public.runtime_events_pruned_pkey IS 'sql/runtime_events/change_token.sql and sql/retention/prune_runtime_events.sql';


-- Room: tokens

-- Table api_tokens

CREATE TABLE public.api_tokens (
    name text NOT NULL COLLATE pg_catalog."C",
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    tenants text[],
    agents text[],
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_tokens_admin_check CHECK ((NOT (('admin'::text = ANY (scopes)) AND ((tenants IS NOT NULL) OR (agents IS NOT NULL))))),
    CONSTRAINT api_tokens_agents_check CHECK (((cardinality(agents) > 0) AND (array_position(agents, NULL::text) IS NULL))),
    CONSTRAINT api_tokens_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT api_tokens_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'::text)),
    CONSTRAINT api_tokens_scopes_check CHECK (((cardinality(scopes) > 0) AND (array_position(scopes, NULL::text) IS NULL) AND (scopes <@ ARRAY['runs:write'::text, 'runs:read'::text, 'events:write'::text, 'events:read'::text, 'audio:write'::text, 'audio:read'::text, 'admin'::text]))),
    CONSTRAINT api_tokens_tenants_check CHECK (((cardinality(tenants) > 0) AND (array_position(tenants, NULL::text) IS NULL)))
);
COMMENT ON TABLE public.api_tokens IS 'Tokens of the API. A row stays when its token is revoked, so that its name in logs keeps its meaning';
COMMENT ON COLUMN public.api_tokens.name IS 'Names the token in logs; never used again';
COMMENT ON COLUMN public.api_tokens.hash IS 'SHA-256 of the token. A token has 256 random bits, so no list of guesses can find it';
COMMENT ON COLUMN public.api_tokens.scopes IS 'What the token may do';
COMMENT ON COLUMN public.api_tokens.tenants IS 'The tenants that it is bound to; NULL: to none';
COMMENT ON COLUMN public.api_tokens.agents IS 'The agents that it is bound to; NULL: to none';
COMMENT ON COLUMN public.api_tokens.created_at IS 'When the token was created';
COMMENT ON COLUMN public.api_tokens.expires_at IS 'From then on it is not valid; NULL: it never expires';
COMMENT ON COLUMN public.api_tokens.revoked_at IS 'When it was revoked; NULL: it was not';
COMMENT ON COLUMN public.api_tokens.last_used_at IS 'Last use, up to five minutes late. No request waits for it, so it can be missing';
COMMENT ON CONSTRAINT api_tokens_admin_check ON public.api_tokens IS 'A token that may do everything cannot be bound';

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_hash_key UNIQUE (hash);
COMMENT ON CONSTRAINT api_tokens_hash_key ON public.api_tokens IS 'No two names have the same token';
COMMENT ON INDEX public.api_tokens_hash_key IS 'Refuses the same token under two names';

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (name);
COMMENT ON INDEX public.api_tokens_pkey IS 'sql/tokens/create.sql, sql/tokens/revoke.sql and sql/tokens/note_use.sql';


-- Room: views

-- Schema

CREATE SCHEMA telemetry_views;
COMMENT ON SCHEMA telemetry_views IS 'Read-only views for analysts; sql/roles/analyst.sql grants them';

-- Functions

CREATE FUNCTION telemetry_views.git_repository(git_repo text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
DECLARE
    url text COLLATE "C" := btrim(git_repo, E' \t\n\r\f\v');
    parts text[];
    path text COLLATE "C";
BEGIN
    IF length(url) > 2000 THEN
        RETURN NULL;
    ELSIF strpos(url, '://') > 0 THEN
        parts := regexp_match(
            url,
            '^(?:https?|ssh|git)://(?:[^/?#]*@)?(?:www\.)?'
            '(github\.com|gitlab\.com|bitbucket\.org)(?::[^/?#@]*)?(/[^?#]*)',
            'i'
        );
    ELSE
        parts := regexp_match(
            url,
            '^(?:[!-.0-?A-~]+@)?(?:www\.)?(github\.com|gitlab\.com|bitbucket\.org):([^/].*)$',
            'i'
        );
    END IF;
    path := rtrim(regexp_replace(btrim(parts[2], '/'), '\.git$', ''), '/');
    IF
        path ~ '^[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+$'
        AND strpos('/' || path || '/', '/../') = 0
    THEN
        RETURN lower(parts[1]) || '/' || path;
    END IF;
    RETURN NULL;
END;
$_$;
COMMENT ON FUNCTION telemetry_views.git_repository(git_repo text) IS 'Host and path of a repository on GitHub, GitLab or Bitbucket, such as github.com/owner/name; NULL: any other';

CREATE FUNCTION telemetry_views.percent_encoded(plain text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT string_agg(CASE WHEN ((letter.single COLLATE "C") ~ '^[A-Za-z0-9_.~-]$'::text) THEN letter.single ELSE regexp_replace(upper(encode(convert_to(letter.single, 'UTF8'::name), 'hex'::text)), '(..)'::text, '%\1'::text, 'g'::text) END, ''::text ORDER BY letter.place) AS string_agg FROM string_to_table(percent_encoded.plain, NULL::text) WITH ORDINALITY letter(single, place));
COMMENT ON FUNCTION telemetry_views.percent_encoded(plain text) IS 'A text as a part of a URL''s path: all but letters, digits, and _ . ~ - as %XX';

CREATE FUNCTION telemetry_views.repo_url(git_repo text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('https://'::text || telemetry_views.git_repository(git_repo));
COMMENT ON FUNCTION telemetry_views.repo_url(git_repo text) IS 'Link to a repository, as the API gives it; NULL: its host is not known';

CREATE FUNCTION telemetry_views.commit_url(git_repo text, commit_hash text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
DECLARE
    repository text := telemetry_views.git_repository(git_repo);
    path text := CASE split_part(repository, '/', 1)
        WHEN 'github.com' THEN '/commit/'
        WHEN 'gitlab.com' THEN '/-/commit/'
        ELSE '/commits/'
    END;
BEGIN
    IF repository IS NULL OR commit_hash = '' THEN
        RETURN NULL;
    ELSIF commit_hash COLLATE "C" ~ '^[A-Za-z0-9]+$' THEN
        RETURN 'https://' || repository || path || commit_hash;
    END IF;
    RETURN 'https://' || repository || path || telemetry_views.percent_encoded(commit_hash);
END;
$_$;
COMMENT ON FUNCTION telemetry_views.commit_url(git_repo text, commit_hash text) IS 'Link to a commit, as the API gives it; NULL: no commit, or the host is not known';

CREATE FUNCTION telemetry_views.moment(nanoseconds bigint) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((('1970-01-01 00:00:00'::timestamp without time zone + make_interval(days => ((nanoseconds / '86400000000000'::bigint))::integer)) + ((((nanoseconds % '86400000000000'::bigint) / 1000))::double precision * '00:00:00.000001'::interval)) AT TIME ZONE 'UTC'::text);
COMMENT ON FUNCTION telemetry_views.moment(nanoseconds bigint) IS 'The moment that is so many nanoseconds after 1970, cut to microseconds. Every bigint has one; the largest is in the year 2262';

-- View telemetry_views.runs

CREATE VIEW telemetry_views.runs AS
 SELECT run.event_id,
    run.run_id,
    run.parent_run_id,
    run.agent_name,
    run.job_type,
    run.status,
    ((run.status = 'running'::text) AND (run.updated_at < (now() - setting.stale_after))) AS stale,
    run.created_at,
    run.updated_at,
    run.start_time,
    run.end_time,
    public.run_duration_ms(run.duration_ms, run.start_time, run.end_time) AS duration_ms,
    run.items_discovered,
    run.items_succeeded,
    run.items_failed,
    run.items_skipped,
    run.product,
    run.product_family,
    run.platform,
    run.subdomain,
    run.website,
    run.website_section,
    run.item_name,
    run.git_repo,
    run.git_branch,
    run.git_commit_hash,
    run.git_run_tag,
    run.git_commit_source,
    run.git_commit_author,
    run.git_commit_timestamp,
    telemetry_views.repo_url(run.git_repo) AS repo_url,
    telemetry_views.commit_url(run.git_repo, run.git_commit_hash) AS commit_url,
    run.input_summary,
    run.output_summary,
    run.source_ref,
    run.target_ref,
    run.error_summary,
    run.error_details,
    run.host,
    run.environment,
    run.trigger_type,
    run.metrics_json,
    run.context_json,
    run.insight_id,
    run.api_posted,
    run.api_posted_at,
    run.api_retry_count
   FROM (public.agent_runs run
     CROSS JOIN ( SELECT (COALESCE(NULLIF(current_setting('telemetry.stale_after'::text, true), ''::text), '1h'::text))::interval AS stale_after) setting);
COMMENT ON VIEW telemetry_views.runs IS 'What agents did: one row per run. Filter by created_at, with agent_name or status where you can: these have indexes';
COMMENT ON COLUMN telemetry_views.runs.event_id IS 'Names the run; chosen by the agent';
COMMENT ON COLUMN telemetry_views.runs.run_id IS 'The agent''s own name for the run; not unique';
COMMENT ON COLUMN telemetry_views.runs.parent_run_id IS 'run_id of the run that started this one';
COMMENT ON COLUMN telemetry_views.runs.agent_name IS 'The program that did the work';
COMMENT ON COLUMN telemetry_views.runs.job_type IS 'Kind of work, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.status IS 'running, success, failure, partial, timeout or cancelled';
COMMENT ON COLUMN telemetry_views.runs.stale IS 'Whether the run is running and nothing was received about it for the setting telemetry.stale_after (1h unless it is set), as the service''s TELEMETRY_STALE_AFTER';
COMMENT ON COLUMN telemetry_views.runs.created_at IS 'As sent by the agent; if it sent none, when the run was stored';
COMMENT ON COLUMN telemetry_views.runs.updated_at IS 'When the row last changed, by this database''s clock';
COMMENT ON COLUMN telemetry_views.runs.start_time IS 'When the run began, by the agent''s clock';
COMMENT ON COLUMN telemetry_views.runs.end_time IS 'When the run ended, by the agent''s clock';
COMMENT ON COLUMN telemetry_views.runs.duration_ms IS 'Milliseconds: what the agent measured, else the time from start to end; NULL: unknown';
COMMENT ON COLUMN telemetry_views.runs.items_discovered IS 'Items that the run found to work on';
COMMENT ON COLUMN telemetry_views.runs.items_succeeded IS 'Items that were completed';
COMMENT ON COLUMN telemetry_views.runs.items_failed IS 'Items that were tried and failed';
COMMENT ON COLUMN telemetry_views.runs.items_skipped IS 'Items that were left out on purpose';
COMMENT ON COLUMN telemetry_views.runs.product IS 'What the run worked for, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.product_family IS 'The group of products that the product belongs to';
COMMENT ON COLUMN telemetry_views.runs.platform IS 'The platform of the product, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.subdomain IS 'Part of the host name, such as docs';
COMMENT ON COLUMN telemetry_views.runs.website IS 'Host name of the website that the run worked on';
COMMENT ON COLUMN telemetry_views.runs.website_section IS 'Part of that website, such as docs or blog';
COMMENT ON COLUMN telemetry_views.runs.item_name IS 'The one thing that the run worked on, such as a file or a page';
COMMENT ON COLUMN telemetry_views.runs.git_repo IS 'The repository, as the agent sent it';
COMMENT ON COLUMN telemetry_views.runs.git_branch IS 'Branch of that repository';
COMMENT ON COLUMN telemetry_views.runs.git_commit_hash IS 'The commit that the run produced, in full or cut';
COMMENT ON COLUMN telemetry_views.runs.git_run_tag IS 'Tag that the agent put on the run''s commits';
COMMENT ON COLUMN telemetry_views.runs.git_commit_source IS 'Who made the commit: manual, llm or ci';
COMMENT ON COLUMN telemetry_views.runs.git_commit_author IS 'Author of that commit, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.git_commit_timestamp IS 'When that commit was made';
COMMENT ON COLUMN telemetry_views.runs.repo_url IS 'Link to the repository; NULL: it is not on GitHub, GitLab or Bitbucket';
COMMENT ON COLUMN telemetry_views.runs.commit_url IS 'Link to the commit; NULL: no commit, or as repo_url';
COMMENT ON COLUMN telemetry_views.runs.input_summary IS 'What the run was given, for people to read';
COMMENT ON COLUMN telemetry_views.runs.output_summary IS 'What the run produced, for people to read';
COMMENT ON COLUMN telemetry_views.runs.source_ref IS 'What the run read from';
COMMENT ON COLUMN telemetry_views.runs.target_ref IS 'What the run wrote to';
COMMENT ON COLUMN telemetry_views.runs.error_summary IS 'What went wrong, in a line; error_details has the rest';
COMMENT ON COLUMN telemetry_views.runs.error_details IS 'Long text, such as a traceback';
COMMENT ON COLUMN telemetry_views.runs.host IS 'The machine that the run ran on, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.environment IS 'The deployment that the run ran in, such as production, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.trigger_type IS 'What started the run, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.metrics_json IS 'Object of measurements, in any shape';
COMMENT ON COLUMN telemetry_views.runs.context_json IS 'Object about the run''s surroundings, in any shape';
COMMENT ON COLUMN telemetry_views.runs.insight_id IS 'The insight that led to the run';
COMMENT ON COLUMN telemetry_views.runs.api_posted IS 'Whether the agent has also posted the run to another API';
COMMENT ON COLUMN telemetry_views.runs.api_posted_at IS 'When the agent posted it there';
COMMENT ON COLUMN telemetry_views.runs.api_retry_count IS 'How many times the agent retried that post';

-- View telemetry_views.runtime_events_by_hour

CREATE VIEW telemetry_views.runtime_events_by_hour AS
 SELECT every_hour.hour,
    added.source,
    added.endpoint,
    added.method,
    added.event_count,
    added.error_count,
    added.total_runtime_ms,
    added.average_runtime_ms,
    added.runtime_cost_estimate
   FROM (generate_series(( SELECT date_trunc('hour'::text, min(oldest.recorded_at), 'UTC'::text) AS date_trunc
           FROM public.runtime_events oldest
          WHERE (oldest.recorded_at > '-infinity'::timestamp with time zone)), ( SELECT max(newest.recorded_at) AS max
           FROM public.runtime_events newest
          WHERE (newest.recorded_at < 'infinity'::timestamp with time zone)), '01:00:00'::interval) every_hour(hour)
     CROSS JOIN LATERAL ( SELECT event.source,
            event.endpoint,
            event.method,
            (sum(weight.events))::bigint AS event_count,
            (COALESCE(sum(weight.events) FILTER (WHERE (event.status_code >= 500)), (0)::numeric))::bigint AS error_count,
            LEAST(sum(weight.total_ms), '179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric) AS total_runtime_ms,
            (sum(weight.total_ms) / sum(weight.events)) AS average_runtime_ms,
            round(LEAST(sum(weight.total_cost), '179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric), 8) AS runtime_cost_estimate
           FROM (public.runtime_events event
             CROSS JOIN LATERAL public.runtime_event_weight(event.metadata, event.runtime_ms, event.runtime_cost_estimate) weight(events, total_ms, total_cost))
          WHERE ((event.recorded_at >= every_hour.hour) AND (event.recorded_at < (every_hour.hour + '01:00:00'::interval)))
          GROUP BY event.source, event.endpoint, event.method) added);
COMMENT ON VIEW telemetry_views.runtime_events_by_hour IS 'How endpoints behaved: one row for each hour, source, endpoint and method that has events, weighted as in the API''s summary: an event that stands for several counts as that many. Filter by hour; endpoint and source have indexes too. There are no percentiles: those of hours cannot be added up';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.hour IS 'Begin of the hour, in UTC';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.source IS 'api, web, web_api or worker';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.endpoint IS 'Path of the endpoint, without its query string';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.method IS 'HTTP method';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.event_count IS 'How many events there were';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.error_count IS 'How many of them had a status of 500 or above';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.total_runtime_ms IS 'Milliseconds of all of them together';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.average_runtime_ms IS 'Milliseconds of one on average. Of several rows: sum(total_runtime_ms) / sum(event_count)';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.runtime_cost_estimate IS 'Cost of all of them together, at the price of a second when each was stored';

-- View telemetry_views.devices

CREATE VIEW telemetry_views.devices WITH (security_invoker='true') AS
 SELECT device.tenant_id,
    device.device_id,
    device.device_type,
    device.created_at,
    state.session_id,
    state.processed_stream_id,
    state.raw_stream_id,
    state.pre_roll_buffer_id,
    state.selected_mic,
    state.selected_speaker,
    state.device_health,
    state.jitter_ms,
    state.drift_ppm,
    state.buffer_depth_ms,
    state.underruns,
    state.overruns,
    state.last_interrupt_phrase_id,
    state.last_interrupt_phrase_text,
    state.last_interrupt_reason_code,
    state.capture_degraded,
    state.aec_unstable,
    state.device_changed,
    state.stream_gap_detected,
    state.tts_playback_active,
    state.last_event_id,
    telemetry_views.moment(state.updated_at) AS updated_at
   FROM (os_core.devices device
     LEFT JOIN os_core.audio_runtime_current state ON (((device.tenant_id = state.tenant_id) AND (device.device_id = state.device_id))));
COMMENT ON VIEW telemetry_views.devices IS 'Devices and their current state; a device without events has none. From PostgreSQL 15 on it reads with the rights of its reader, so that row-level security applies';
COMMENT ON COLUMN telemetry_views.devices.tenant_id IS 'The tenant that the device belongs to';
COMMENT ON COLUMN telemetry_views.devices.device_id IS 'Chosen by the client; unique over all tenants';
COMMENT ON COLUMN telemetry_views.devices.device_type IS 'Kind of device, in the client''s words';
COMMENT ON COLUMN telemetry_views.devices.created_at IS 'When the device was bound to its tenant, by this database''s clock';
COMMENT ON COLUMN telemetry_views.devices.session_id IS 'Of the latest event that has one';
COMMENT ON COLUMN telemetry_views.devices.processed_stream_id IS 'Of the latest event of kind STREAM_REFS or VAD_EVENT';
COMMENT ON COLUMN telemetry_views.devices.raw_stream_id IS 'Of the latest STREAM_REFS event; NULL when that event has none';
COMMENT ON COLUMN telemetry_views.devices.pre_roll_buffer_id IS 'Of the latest STREAM_REFS event';
COMMENT ON COLUMN telemetry_views.devices.selected_mic IS 'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN telemetry_views.devices.selected_speaker IS 'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN telemetry_views.devices.device_health IS 'HEALTHY, DEGRADED or FAILED, of the latest DEVICE_STATE event; NULL before the first';
COMMENT ON COLUMN telemetry_views.devices.jitter_ms IS 'Milliseconds, of the latest TIMING_STATS event';
COMMENT ON COLUMN telemetry_views.devices.drift_ppm IS 'Parts per million, of the latest TIMING_STATS event';
COMMENT ON COLUMN telemetry_views.devices.buffer_depth_ms IS 'Milliseconds, of the latest TIMING_STATS event';
COMMENT ON COLUMN telemetry_views.devices.underruns IS 'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN telemetry_views.devices.overruns IS 'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN telemetry_views.devices.last_interrupt_phrase_id IS 'phrase_id of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN telemetry_views.devices.last_interrupt_phrase_text IS 'phrase_text of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN telemetry_views.devices.last_interrupt_reason_code IS 'reason_code of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN telemetry_views.devices.capture_degraded IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.aec_unstable IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.device_changed IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.stream_gap_detected IS 'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.tts_playback_active IS 'Of the latest TTS_PLAYBACK_ACTIVE event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.last_event_id IS 'The newest event of the device, of any kind';
COMMENT ON COLUMN telemetry_views.devices.updated_at IS 'When that event happened, by the device''s clock, cut to microseconds';

-- View telemetry_views.runtime_events

CREATE VIEW telemetry_views.runtime_events AS
 SELECT event.id,
    event.recorded_at,
    event.source,
    event.endpoint,
    event.method,
    event.status_code,
    event.runtime_ms,
    round(event.runtime_cost_estimate, 8) AS runtime_cost_estimate,
    event.idea_id,
    event.origin_idea_id,
    event.metadata,
    weight.events AS event_count
   FROM (public.runtime_events event
     CROSS JOIN LATERAL public.runtime_event_weight(event.metadata, event.runtime_ms, event.runtime_cost_estimate) weight(events, total_ms, total_cost));
COMMENT ON VIEW telemetry_views.runtime_events IS 'Runtime events, with the names of the API. Filter by recorded_at, and by endpoint or source too: these have indexes';
COMMENT ON COLUMN telemetry_views.runtime_events.id IS 'From the client; else rt_ and 32 hex digits from the service';
COMMENT ON COLUMN telemetry_views.runtime_events.recorded_at IS 'When the event was received, by this database''s clock';
COMMENT ON COLUMN telemetry_views.runtime_events.source IS 'api, web, web_api or worker';
COMMENT ON COLUMN telemetry_views.runtime_events.endpoint IS 'Path of the endpoint, without its query string';
COMMENT ON COLUMN telemetry_views.runtime_events.method IS 'HTTP method';
COMMENT ON COLUMN telemetry_views.runtime_events.status_code IS 'HTTP status; 500 and above count as errors';
COMMENT ON COLUMN telemetry_views.runtime_events.runtime_ms IS 'Milliseconds. Of an event that stands for several, as its sender put it, usually their average';
COMMENT ON COLUMN telemetry_views.runtime_events.runtime_cost_estimate IS 'Cost of runtime_ms, at the price of a second when the event was stored';
COMMENT ON COLUMN telemetry_views.runtime_events.idea_id IS 'The idea that the request served';
COMMENT ON COLUMN telemetry_views.runtime_events.origin_idea_id IS 'Equal to idea_id, unless the event was imported with its own';
COMMENT ON COLUMN telemetry_views.runtime_events.metadata IS 'Object of strings, numbers, booleans and nulls';
COMMENT ON COLUMN telemetry_views.runtime_events.event_count IS 'How many events it stands for; 1 unless its sender added several up';
