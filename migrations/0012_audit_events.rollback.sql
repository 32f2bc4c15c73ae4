SET LOCAL lock_timeout = '5s';

DROP TABLE audit.audit_events;

DROP SCHEMA audit;
