SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_collision();

DROP TRIGGER begin_chain ON os_core.devices;

DROP FUNCTION os_core.begin_chain();

DROP TABLE os_core.audio_runtime_heads;

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events);

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events, bytea);

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events, bigint, bytea);

DROP AGGREGATE os_core.chain(bytea, bytea);

DROP FUNCTION os_core.chain_step(bytea, bytea, bytea);
