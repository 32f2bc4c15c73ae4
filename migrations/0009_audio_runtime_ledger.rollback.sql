SET LOCAL lock_timeout = '5s';

DROP TABLE os_core.audio_runtime_events;
