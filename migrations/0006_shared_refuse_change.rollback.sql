SET LOCAL lock_timeout = '5s';

DROP FUNCTION refuse_change();
