SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_event_canonical_v1;

DROP FUNCTION os_core.canonical_kind(text);

DROP FUNCTION os_core.canonical_field(boolean);

DROP FUNCTION os_core.canonical_field(double precision);

DROP FUNCTION os_core.canonical_field(bigint);

DROP FUNCTION os_core.canonical_field(text);

DROP FUNCTION os_core.canonical_field(bytea);
