SET LOCAL lock_timeout = '5s';

DROP VIEW telemetry_views.devices;

DROP VIEW telemetry_views.runtime_events_by_hour;

DROP FUNCTION telemetry_views.moment(bigint);
