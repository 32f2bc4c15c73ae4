-- Returns a token that stays the same only while the page of a device does: all that it shows but
-- the ledger and the audit trail, and the newest of these, which are append-only and numbered in
-- the order of their commits within a device.
-- params: tenant_id, device_id
-- index: devices_tenant_device_key, audio_runtime_current_pkey, audio_runtime_heads_pkey,
-- ix_audio_runtime_events_tenant_device_time, ix_audit_events_tenant_device
-- locks: none
-- returns: token; no row: the device does not exist, or belongs to another tenant
SELECT
    concat_ws(
        ' ',
        pg_postmaster_start_time(),
        current_database(),
        row(device.*),
        row(state.*),
        row(head.*),
        (
            SELECT event_id FROM os_core.audio_runtime_events
            WHERE
                tenant_id = %(tenant_id)s
                AND device_id BETWEEN %(device_id)s AND %(device_id)s
            ORDER BY tenant_id DESC, device_id DESC, event_id DESC
            LIMIT 1
        ),
        (
            SELECT audit_event_id FROM audit.audit_events
            WHERE
                tenant_id = %(tenant_id)s
                AND device_id BETWEEN %(device_id)s AND %(device_id)s
            ORDER BY tenant_id DESC, device_id DESC, audit_event_id DESC
            LIMIT 1
        )
    ) AS token
FROM os_core.devices AS device
LEFT JOIN os_core.audio_runtime_current AS state
    ON
        device.tenant_id = state.tenant_id
        AND device.device_id = state.device_id
LEFT JOIN os_core.audio_runtime_heads AS head
    ON
        device.tenant_id = head.tenant_id
        AND device.device_id = head.device_id
WHERE
    device.tenant_id = %(tenant_id)s
    AND device.device_id = %(device_id)s;
