-- Returns a token that stays the same only while no device and no projection changes. xmin is the
-- transaction that wrote a row, so every version of a row has a hash of its own. Two sets of rows
-- with the same sum of hashes are as likely as two equal random numbers of 64 bits.
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
        SELECT
            concat_ws(
                ' ',
                count(*),
                sum(hashtextextended(concat_ws(' ', tenant_id, device_id, xmin), 0))
            ) AS token
        FROM os_core.devices
    ) AS device
CROSS JOIN
    (
        SELECT
            concat_ws(
                ' ',
                count(*),
                sum(hashtextextended(concat_ws(' ', tenant_id, device_id, xmin), 0))
            ) AS token
        FROM os_core.audio_runtime_current
    ) AS state;
