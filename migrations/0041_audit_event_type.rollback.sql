SET LOCAL lock_timeout = '5s';

DROP FUNCTION audit.audio_runtime_row(os_core.audio_runtime_event);

DROP FUNCTION audit.audio_runtime_payload(os_core.audio_runtime_event, text);
