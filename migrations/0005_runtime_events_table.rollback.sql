SET LOCAL lock_timeout = '5s';

DROP TABLE runtime_events;

DROP FUNCTION number_runtime_event();
