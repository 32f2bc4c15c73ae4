SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_replay(text, text);

DROP TABLE os_core.audio_runtime_current;
