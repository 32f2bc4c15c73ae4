SET LOCAL lock_timeout = '5s';

DROP FUNCTION runtime_event_weight(jsonb, numeric, numeric);
