-- Brings runtime_events back to the coordinator, as migrate made it.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events while its rows are copied
-- returns: nothing

LOCK TABLE runtime_events IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

-- LOCK reaches no shard. These change nothing and wait there for transactions in doubt, which would
-- otherwise commit into shards that have been copied.
ALTER TABLE runtime_events ALTER COLUMN id SET NOT NULL;

SELECT undistribute_table('runtime_events');
-- partition changes the owner of the sequence, which Citus refuses for its own.
SELECT
    citus_unmark_object_distributed(
        'pg_class'::regclass, 'runtime_events_number_seq'::regclass, 0, FALSE
    ) AS unmarked;

ALTER TABLE runtime_events ALTER COLUMN lane DROP DEFAULT;
ALTER TABLE runtime_events ALTER COLUMN number DROP DEFAULT;
CREATE TRIGGER number_runtime_event
BEFORE INSERT ON runtime_events
FOR EACH ROW
EXECUTE FUNCTION number_runtime_event();
