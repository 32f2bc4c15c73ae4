-- Lists the devices that are not healthy, those that failed first, and counts all devices. Reads
-- the whole projection, which has one row for each device.
-- params: row_limit
-- index: none; the projection has a row for each device
-- locks: none
-- returns: tenant_id, device_id, device_health, the four flags, updated_at (nanoseconds of the
-- device), needing (how many need attention), devices (how many in all)
SELECT
    tenant_id,
    device_id,
    device_health,
    capture_degraded,
    aec_unstable,
    device_changed,
    stream_gap_detected,
    updated_at,
    count(*) OVER () AS needing,
    (SELECT count(*) FROM os_core.devices) AS devices
FROM os_core.audio_runtime_current
WHERE
    device_health IN ('DEGRADED', 'FAILED')
    OR capture_degraded
    OR aec_unstable
    OR device_changed
    OR stream_gap_detected
ORDER BY
    (device_health = 'FAILED') IS TRUE DESC,
    (device_health = 'DEGRADED') IS TRUE DESC,
    updated_at DESC,
    tenant_id ASC,
    device_id ASC
LIMIT %(row_limit)s;
