SET LOCAL lock_timeout = '5s';

DROP TABLE rate_limit_clients;
