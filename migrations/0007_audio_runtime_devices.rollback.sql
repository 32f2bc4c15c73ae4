SET LOCAL lock_timeout = '5s';

DROP TABLE os_core.sessions;

DROP TABLE os_core.devices;

DROP FUNCTION os_core.refuse_tenant_change();

DROP SCHEMA os_core;
