-- Lists devices with their current state. The caller asks for one more than the page holds, to find
-- out whether more follow.
-- params: tenant_id (NULL: any), attention (TRUE: only those that are not healthy), after_tenant,
-- after_device (last device of the page before; NULL: from the first), row_limit
-- index: devices_tenant_device_key, audio_runtime_current_pkey
-- locks: none
-- returns: devices in the order of tenant_id and device_id; updated_at is NULL before the first
-- event
SELECT
    device.tenant_id,
    device.device_id,
    device.device_type,
    state.device_health,
    coalesce(state.capture_degraded, FALSE) AS capture_degraded,
    coalesce(state.aec_unstable, FALSE) AS aec_unstable,
    coalesce(state.device_changed, FALSE) AS device_changed,
    coalesce(state.stream_gap_detected, FALSE) AS stream_gap_detected,
    state.jitter_ms,
    state.drift_ppm,
    state.buffer_depth_ms,
    state.underruns,
    state.overruns,
    state.updated_at
FROM os_core.devices AS device
LEFT JOIN os_core.audio_runtime_current AS state
    ON
        device.tenant_id = state.tenant_id
        AND device.device_id = state.device_id
WHERE
    (%(tenant_id)s::text IS NULL OR device.tenant_id = %(tenant_id)s)
    AND (
        %(after_tenant)s::text IS NULL
        OR (device.tenant_id, device.device_id) > (%(after_tenant)s, %(after_device)s::text)
    )
    AND (
        NOT coalesce(%(attention)s::boolean, FALSE)
        OR state.device_health IN ('DEGRADED', 'FAILED')
        OR state.capture_degraded
        OR state.aec_unstable
        OR state.device_changed
        OR state.stream_gap_detected
    )
ORDER BY device.tenant_id, device.device_id
LIMIT %(row_limit)s;
