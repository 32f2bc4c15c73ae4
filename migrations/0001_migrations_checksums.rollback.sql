SET LOCAL lock_timeout = '5s';

DROP FUNCTION holds_rows(regclass);

DROP TABLE migration_checksums;
