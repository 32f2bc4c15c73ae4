SET LOCAL lock_timeout = '5s';

DROP FUNCTION last_given(regclass);
