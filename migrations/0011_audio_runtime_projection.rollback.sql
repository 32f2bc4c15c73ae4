SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_replay(text, text);

DROP FUNCTION os_core.audio_runtime_fold(
    os_core.audio_runtime_current, os_core.audio_runtime_events[]
);

DROP FUNCTION os_core.audio_runtime_state_of(os_core.audio_runtime_current);

DROP TYPE os_core.audio_runtime_state;

DROP TABLE os_core.audio_runtime_current;
