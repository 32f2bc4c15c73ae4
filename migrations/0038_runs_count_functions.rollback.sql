SET LOCAL lock_timeout = '5s';

GRANT EXECUTE ON FUNCTION count_runs(), count_no_runs() TO public;
