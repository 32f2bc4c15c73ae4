SET LOCAL lock_timeout = '5s';

DROP FUNCTION older_runtime_events(regclass, text, integer, integer);
