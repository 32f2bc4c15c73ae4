-- Lists the devices that are not healthy, those that failed first, and counts all devices. Reads
-- the whole projection, which has one row for each device.
-- params: row_limit
-- index: none; the projection has a row for each device
-- locks: none
-- returns: devices (how many in all), needing (how many need attention), and of each that needs it
-- tenant_id, device_id, device_health, the four flags and updated_at (nanoseconds of the device);
-- one row with NULLs when no device needs attention
SELECT
    total.devices,
    needing.needing,
    needing.tenant_id,
    needing.device_id,
    needing.device_health,
    needing.capture_degraded,
    needing.aec_unstable,
    needing.device_changed,
    needing.stream_gap_detected,
    needing.updated_at
FROM (SELECT count(*) AS devices FROM os_core.devices) AS total
LEFT JOIN
    (
        SELECT
            state.tenant_id,
            state.device_id,
            state.device_health,
            state.capture_degraded,
            state.aec_unstable,
            state.device_changed,
            state.stream_gap_detected,
            state.updated_at,
            count(*) OVER () AS needing
        FROM os_core.audio_runtime_current AS state
        WHERE
            state.device_health IN ('DEGRADED', 'FAILED')
            OR state.capture_degraded
            OR state.aec_unstable
            OR state.device_changed
            OR state.stream_gap_detected
    ) AS needing
    ON TRUE
ORDER BY
    (needing.device_health = 'FAILED') IS TRUE DESC,
    (needing.device_health = 'DEGRADED') IS TRUE DESC,
    needing.updated_at DESC,
    needing.tenant_id ASC,
    needing.device_id ASC
LIMIT %(row_limit)s;
