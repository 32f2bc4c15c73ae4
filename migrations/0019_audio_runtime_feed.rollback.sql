SET LOCAL lock_timeout = '5s';

ALTER TABLE os_core.audio_runtime_events DROP COLUMN feed_number;
