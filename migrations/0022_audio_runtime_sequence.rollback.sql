SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_sequence_behind();
