-- Counts one request of a client, unless the client used up its allowance in the last minute.
-- The row lock of ON CONFLICT makes the count exact across all processes. A refused request leaves
-- the row unchanged.
-- Requests of the same 60 ms share a tick, the microsecond of the latest one. So no request is
-- dropped before its minute is over, and a client that was refused waits a minute at most.
-- Requests that came later may be counted first, so a tick may be later than this request. A tick
-- more than a minute later was written before the clock was set back, and does not count.
-- params: client (IPv4 address or IPv6 /64), allowance (requests per minute)
-- index: rate_limit_clients_pkey; ix_rate_limit_clients_last_hit_at for the cleaning
-- locks: the client's row until the end of the statement; two old rows, if they are not locked
-- returns: used, the requests of the last minute including this one; no row: refused
WITH present AS MATERIALIZED (
    SELECT
        moment,
        (extract(EPOCH FROM moment) * 1000000)::bigint AS tick
    FROM clock_timestamp() AS moment
),

cleaned AS (
    DELETE FROM rate_limit_clients
    WHERE client IN (
        SELECT stale.client
        FROM rate_limit_clients AS stale
        WHERE
            stale.last_hit_at < clock_timestamp() - interval '1 minute'
            AND stale.client <> %(client)s
        ORDER BY stale.last_hit_at
        LIMIT 2
        FOR UPDATE SKIP LOCKED
    )
)

INSERT INTO rate_limit_clients AS known (client, ticks, hits, last_hit_at)
SELECT
    %(client)s,
    ARRAY[present.tick],
    ARRAY[1],
    present.moment
FROM present
ON CONFLICT (client) DO UPDATE
    SET
        (ticks, hits) = (
            SELECT
                array_agg(merged.tick ORDER BY merged.tick),
                array_agg(merged.hits ORDER BY merged.tick)
            FROM (
                SELECT
                    max(slot.tick) AS tick,
                    sum(slot.hits)::integer AS hits
                FROM
                    unnest(
                        known.ticks || excluded.ticks, known.hits || excluded.hits
                    ) AS slot (tick, hits)
                WHERE abs(slot.tick - excluded.ticks[1]) < 60000000
                GROUP BY slot.tick / 60000
            ) AS merged
        ),
        -- A request that came later may have been counted first.
        last_hit_at = greatest(known.last_hit_at, excluded.last_hit_at)
    WHERE
    (
        SELECT coalesce(sum(slot.hits), 0)
        FROM unnest(known.ticks, known.hits) AS slot (tick, hits)
        WHERE abs(slot.tick - excluded.ticks[1]) < 60000000
    ) < %(allowance)s
RETURNING (
    SELECT sum(slot.hits)::integer FROM unnest(hits) AS slot (hits)
) AS used;
