-- Checks the rows that were there before their checks; writers go on meanwhile.
-- depends: 0012_audio_runtime_guards

SET LOCAL lock_timeout = '5s';

ALTER TABLE os_core.audio_runtime_events
VALIDATE CONSTRAINT audio_runtime_events_event_id_check;

ALTER TABLE audit.audit_events VALIDATE CONSTRAINT audit_events_payload_min_scalars_check;
