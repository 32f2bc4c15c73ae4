-- Distributes runtime_events by id. The lane and the number of an event come from defaults, which
-- the coordinator evaluates; a trigger would draw them from the sequences of each worker.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events while its rows are copied
-- returns: nothing

LOCK TABLE runtime_events IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;

DROP TRIGGER number_runtime_event ON runtime_events;
ALTER TABLE runtime_events ALTER COLUMN lane SET DEFAULT take_lane(7306)::smallint;
ALTER TABLE runtime_events ALTER COLUMN number SET DEFAULT nextval('runtime_events_number_seq');

SELECT create_distributed_table('runtime_events', 'id', colocate_with => 'none');
