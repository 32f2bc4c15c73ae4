-- Inserts the head of a device that has none. A trigger does so where devices is a plain table.
-- params: tenant_id, device_id
-- index: audio_runtime_heads_pkey
-- locks: the new row
-- returns: nothing
INSERT INTO os_core.audio_runtime_heads (tenant_id, device_id)
VALUES (%(tenant_id)s, %(device_id)s)
ON CONFLICT (tenant_id, device_id) DO NOTHING;
