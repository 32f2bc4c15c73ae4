-- Returns a token that stays the same only while no device and no projection changes. xmin is the
-- transaction that wrote a row: any update raises the sum, and a row that is gone lowers the count.
-- The start of the server tells a server from the one that it took over from.
-- params: none
-- index: none; both tables have a row for each device
-- locks: none
-- returns: token
SELECT
    concat_ws(
        ' ',
        pg_postmaster_start_time(),
        current_database(),
        device.token,
        state.token
    ) AS token
FROM
    (
        SELECT concat_ws(' ', count(*), sum(xmin::text::bigint)) AS token
        FROM os_core.devices
    ) AS device
CROSS JOIN
    (
        SELECT concat_ws(' ', count(*), sum(xmin::text::bigint)) AS token
        FROM os_core.audio_runtime_current
    ) AS state;
