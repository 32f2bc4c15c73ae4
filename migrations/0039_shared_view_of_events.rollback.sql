SET LOCAL lock_timeout = '5s';

DROP VIEW telemetry_views.runtime_events;
