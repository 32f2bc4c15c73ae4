-- How endpoints behaved: one row per event, appended and never changed by the service.
-- A trigger gives each event a lane, one of 64, and a number in it. Within a lane, events become
-- visible in the order of their numbers. So sql/runtime_events/change_token.sql needs to read only
-- 64 index entries to learn whether a new event is visible.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

CREATE TABLE runtime_events (
    id text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL,
    endpoint text NOT NULL,
    raw_endpoint text NOT NULL,
    method text NOT NULL DEFAULT 'GET',
    status_code smallint NOT NULL DEFAULT 200,
    runtime_ms numeric NOT NULL,
    runtime_cost_estimate numeric NOT NULL,
    idea_id text,
    origin_idea_id text,
    metadata jsonb NOT NULL DEFAULT '{}',
    lane smallint NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT runtime_events_pkey PRIMARY KEY (id),
    CONSTRAINT runtime_events_id_check CHECK (length(id) BETWEEN 1 AND 128),
    CONSTRAINT runtime_events_source_check
    CHECK (source IN ('api', 'web', 'web_api', 'worker')),
    CONSTRAINT runtime_events_endpoint_check CHECK (endpoint ~ '^/[^?]*$'),
    CONSTRAINT runtime_events_method_check CHECK (length(method) BETWEEN 1 AND 128),
    CONSTRAINT runtime_events_status_code_check CHECK (status_code BETWEEN 100 AND 599),
    -- 1.8e308 is just above the largest double.
    CONSTRAINT runtime_events_runtime_ms_check
    CHECK (runtime_ms > 0 AND runtime_ms < 1.8e308),
    CONSTRAINT runtime_events_runtime_cost_estimate_check
    CHECK (runtime_cost_estimate >= 0 AND runtime_cost_estimate < 1.8e308),
    CONSTRAINT runtime_events_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT runtime_events_lane_check CHECK (lane BETWEEN 0 AND 63)
);

CREATE SEQUENCE runtime_events_number_seq OWNED BY runtime_events.number;

COMMENT ON TABLE runtime_events IS
'How endpoints behaved: one row per event, appended once and never changed';
COMMENT ON COLUMN runtime_events.id IS
'From the client, which makes a retry recognisable; else rt_ and 32 hex digits from the service';
COMMENT ON COLUMN runtime_events.recorded_at IS
'When the event was received, by this database''s clock; an imported event keeps its own time';
COMMENT ON COLUMN runtime_events.source IS 'What kind of program observed the event';
COMMENT ON COLUMN runtime_events.endpoint IS
'Path with a leading slash and without a query string; events are grouped by it';
COMMENT ON COLUMN runtime_events.raw_endpoint IS 'The endpoint exactly as sent';
COMMENT ON COLUMN runtime_events.method IS 'HTTP method in upper case';
COMMENT ON COLUMN runtime_events.status_code IS 'HTTP status; 500 and above count as errors';
COMMENT ON COLUMN runtime_events.runtime_ms IS
'Milliseconds; numeric, so that any JSON number is returned as it was sent';
COMMENT ON COLUMN runtime_events.runtime_cost_estimate IS
'runtime_ms / 1000 times RUNTIME_COST_PER_SECOND, as it was set when the event was recorded';
COMMENT ON COLUMN runtime_events.idea_id IS 'The idea that the request served';
COMMENT ON COLUMN runtime_events.origin_idea_id IS
'Equal to idea_id when the event was recorded; an imported event keeps its own';
COMMENT ON COLUMN runtime_events.metadata IS 'Object of strings, numbers, booleans and nulls';
COMMENT ON COLUMN runtime_events.lane IS
'One of 64 lanes; only one transaction at a time writes to a lane';
COMMENT ON COLUMN runtime_events.number IS
'Grows within a lane in the order in which its events became visible; has gaps';

-- Without id, which would only order events of the same microsecond: a fifth of the size.
CREATE INDEX ix_runtime_events_recorded_at ON runtime_events (recorded_at DESC);
COMMENT ON INDEX ix_runtime_events_recorded_at IS
'sql/runtime_events/list.sql, newest first, and the window of sql/runtime_events/summary.sql';

CREATE INDEX ix_runtime_events_source_recorded_at
ON runtime_events (source, recorded_at DESC);
COMMENT ON INDEX ix_runtime_events_source_recorded_at IS
'sql/runtime_events/list.sql and sql/runtime_events/summary.sql by source';

-- Cut to 500 characters, because a btree entry has a size limit and endpoint has none.
CREATE INDEX ix_runtime_events_endpoint
ON runtime_events (left(endpoint, 500) COLLATE "C");
COMMENT ON INDEX ix_runtime_events_endpoint IS
'sql/runtime_events/list.sql by a prefix of the endpoint that few events have';

CREATE INDEX ix_runtime_events_lane_number ON runtime_events (lane, number);
COMMENT ON INDEX ix_runtime_events_lane_number IS
'sql/runtime_events/change_token.sql: the highest number of each lane';

CREATE FUNCTION number_runtime_event() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    wanted integer := pg_backend_pid() % 64;
BEGIN
    FOR step IN 0..63 LOOP
        NEW.lane := (wanted + step) % 64;
        IF pg_try_advisory_xact_lock(7306, NEW.lane) THEN
            NEW.number := nextval('runtime_events_number_seq');
            RETURN NEW;
        END IF;
    END LOOP;
    -- All lanes are taken by other transactions. This one holds no lane, so it can wait for one
    -- without a deadlock.
    NEW.lane := wanted;
    PERFORM pg_advisory_xact_lock(7306, wanted);
    NEW.number := nextval('runtime_events_number_seq');
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION number_runtime_event() IS
'Trigger of runtime_events: takes a lane that no other transaction holds, and its next number';

CREATE TRIGGER number_runtime_event BEFORE INSERT ON runtime_events
FOR EACH ROW EXECUTE FUNCTION number_runtime_event();
