SET LOCAL lock_timeout = '5s';

DROP TABLE audio_runtime_verifications;
