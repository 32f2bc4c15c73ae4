SET LOCAL lock_timeout = '5s';

DROP FUNCTION take_lane(integer);
