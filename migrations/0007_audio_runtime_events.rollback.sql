SET LOCAL lock_timeout = '5s';

DROP TRIGGER begin_chain ON os_core.devices;

DROP FUNCTION os_core.begin_chain();

DROP TABLE os_core.audio_runtime_heads;

DROP AGGREGATE os_core.chain(bytea, bytea);

DROP FUNCTION os_core.chain_step(bytea, bytea, bytea);

DROP FUNCTION os_core.audio_runtime_event_canonical_v1;

DROP FUNCTION os_core.canonical_field(bytea);

DROP TABLE os_core.audio_runtime_events;
