-- What retention has done, and how far. Prunes of agent_runs and runtime_events write it in the
-- transactions that delete, so it is exact wherever a process is killed.
-- A pruned event leaves its number here, so that sql/runtime_events/change_token.sql and the
-- numbers of later events stay as if it still existed.
-- depends: 0024_runtime_events_number_above

SET LOCAL lock_timeout = '5s';

CREATE TABLE retention_passes (
    kind text NOT NULL,
    older_than interval NOT NULL,
    first_started_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz NOT NULL,
    leased_until timestamptz NOT NULL,
    deleted bigint NOT NULL DEFAULT 0,
    deleted_total bigint NOT NULL DEFAULT 0,
    finished_at timestamptz,
    finished_older_than interval,
    failed_at timestamptz,
    error text,
    CONSTRAINT retention_passes_pkey PRIMARY KEY (kind),
    CONSTRAINT retention_passes_kind_check CHECK (kind IN ('agent_runs', 'runtime_events'))
)
-- No indexed column changes: with free space on the page, updates stay there.
WITH (fillfactor = 50);

COMMENT ON TABLE retention_passes IS
'The newest prune of each table that retention prunes: one row per table';
COMMENT ON COLUMN retention_passes.kind IS 'The table that is pruned';
COMMENT ON COLUMN retention_passes.older_than IS
'The age from which rows are deleted, of the newest pass';
COMMENT ON COLUMN retention_passes.first_started_at IS 'When the very first pass began';
COMMENT ON COLUMN retention_passes.started_at IS 'When the newest pass began';
COMMENT ON COLUMN retention_passes.leased_until IS
'No other web process begins a pass before this; each batch moves it';
COMMENT ON COLUMN retention_passes.deleted IS 'Rows that the newest pass has deleted so far';
COMMENT ON COLUMN retention_passes.deleted_total IS 'Rows that all passes have deleted';
COMMENT ON COLUMN retention_passes.finished_at IS 'When the last complete pass ended';
COMMENT ON COLUMN retention_passes.finished_older_than IS 'The age that the last complete pass had';
COMMENT ON COLUMN retention_passes.failed_at IS
'When a pass ended early; NULL when a later one was complete';
COMMENT ON COLUMN retention_passes.error IS 'Why it ended early';
COMMENT ON INDEX retention_passes_pkey IS 'sql/retention/claim.sql and sql/retention/state.sql';

CREATE TABLE runtime_events_pruned (
    lane smallint NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT runtime_events_pruned_pkey PRIMARY KEY (lane),
    CONSTRAINT runtime_events_pruned_lane_check CHECK (lane BETWEEN 0 AND 63)
)
WITH (fillfactor = 50);

COMMENT ON TABLE runtime_events_pruned IS
'The highest number that retention has deleted from each lane of runtime_events';
COMMENT ON COLUMN runtime_events_pruned.lane IS 'As in runtime_events';
COMMENT ON COLUMN runtime_events_pruned.number IS 'As in runtime_events; never gets lower';
COMMENT ON INDEX runtime_events_pruned_pkey IS
'sql/runtime_events/change_token.sql and sql/retention/prune_runtime_events.sql';

-- A role that can write or read events still can: the trigger below reads this table, and so does
-- the change token. A release before this one needs no new grant either.
DO $$
DECLARE
    known text;
BEGIN
    FOR known IN
        SELECT DISTINCT
            CASE acl.grantee WHEN 0 THEN 'public' ELSE acl.grantee::regrole::text END AS name
        FROM (
            SELECT relacl AS rights FROM pg_class
            WHERE oid = 'runtime_events'::regclass
            UNION ALL
            SELECT attacl AS rights FROM pg_attribute
            WHERE attrelid = 'runtime_events'::regclass
        ) AS granted
        CROSS JOIN LATERAL aclexplode(granted.rights) AS acl
        WHERE acl.privilege_type IN ('SELECT', 'INSERT')
    LOOP
        EXECUTE format('GRANT SELECT ON runtime_events_pruned TO %s', known);
    END LOOP;
END;
$$;

CREATE OR REPLACE FUNCTION number_runtime_event() RETURNS trigger
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

COMMENT ON FUNCTION number_runtime_event() IS
'Trigger of runtime_events: takes a lane that no other transaction holds, and a number above those '
'that are or were in it';
