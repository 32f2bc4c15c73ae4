-- Makes the table of keys, and lets new events leave theirs in it. It can be repeated. These are
-- the statements of one transaction. CREATE TRIGGER waits for writers, and they for it.
-- params: none
-- index: none
-- locks: SHARE ROW EXCLUSIVE on runtime_events, until the transaction ends
-- returns: nothing
CREATE TABLE IF NOT EXISTS runtime_event_ids (
    -- In the order of bytes, so that no comparison needs a locale.
    id text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT runtime_event_ids_pkey PRIMARY KEY (id)
);

COMMENT ON TABLE runtime_event_ids IS
'The id of each event of runtime_events, while that is partitioned: there a primary key has to '
'include recorded_at. Retention deletes an id after its event';
COMMENT ON COLUMN runtime_event_ids.id IS 'As in runtime_events';
COMMENT ON COLUMN runtime_event_ids.recorded_at IS 'As in runtime_events: says in which partition';
COMMENT ON INDEX runtime_event_ids_pkey IS
'The same id is the same event: record_runtime_event_id()';

-- Only functions that run as the owner read and write the ids.
REVOKE ALL ON runtime_event_ids FROM public;

CREATE OR REPLACE FUNCTION keep_runtime_event_id() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO runtime_event_ids AS known (id, recorded_at)
    VALUES (new.id, new.recorded_at)
    ON CONFLICT (id) DO UPDATE SET recorded_at = excluded.recorded_at;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION keep_runtime_event_id() IS
'Trigger of runtime_events before it is partitioned: leaves the id of an event in '
'runtime_event_ids';

-- Any role could let it run on a table of its own.
REVOKE ALL ON FUNCTION keep_runtime_event_id() FROM public;

CREATE OR REPLACE TRIGGER keep_runtime_event_id
AFTER INSERT OR UPDATE OF id, recorded_at ON runtime_events
FOR EACH ROW EXECUTE FUNCTION keep_runtime_event_id();
