-- Brings the partitioned runtime_events and the ids of its events back to the coordinator, as
-- partition made them. After sql/scale_out/partition/functions.sql.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events, its partitions and the ids while their rows are copied
-- returns: nothing

LOCK TABLE runtime_events, runtime_event_ids IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

-- LOCK reaches no shard. These change nothing and wait there for transactions in doubt, which would
-- otherwise commit into shards that have been copied.
ALTER TABLE runtime_events ALTER COLUMN id SET NOT NULL;
ALTER TABLE runtime_event_ids ALTER COLUMN id SET NOT NULL;

-- The copy back would fire it.
DROP TRIGGER record_runtime_event_id ON runtime_events;

SELECT undistribute_table('runtime_event_ids');
SELECT undistribute_table('runtime_events');
-- partition changes the owner of the sequence, which Citus refuses for its own.
SELECT
    citus_unmark_object_distributed(
        'pg_class'::regclass, 'runtime_events_number_seq'::regclass, 0, FALSE
    ) AS unmarked;

ALTER TABLE runtime_events ALTER COLUMN lane DROP DEFAULT;
ALTER TABLE runtime_events ALTER COLUMN number DROP DEFAULT;
ALTER TABLE runtime_event_ids ALTER COLUMN id TYPE text COLLATE "C";
CREATE TRIGGER number_runtime_event
BEFORE INSERT ON runtime_events
FOR EACH ROW
EXECUTE FUNCTION number_runtime_event();
CREATE TRIGGER record_runtime_event_id
BEFORE INSERT OR UPDATE OF id, recorded_at ON runtime_events
FOR EACH ROW
EXECUTE FUNCTION record_runtime_event_id();
