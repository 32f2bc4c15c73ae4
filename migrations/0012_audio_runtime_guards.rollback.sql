SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events);

CREATE OR REPLACE FUNCTION os_core.begin_chain() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO os_core.audio_runtime_heads (tenant_id, device_id)
    VALUES (new.tenant_id, new.device_id);
    RETURN NULL;
END;
$$;

ALTER TABLE audit.audit_events DROP CONSTRAINT audit_events_payload_min_scalars_check;

ALTER TABLE os_core.audio_runtime_events DROP CONSTRAINT audio_runtime_events_event_id_check;
