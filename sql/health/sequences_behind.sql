-- Lists the sequences that are below a number in their table, as after a failover or a load that
-- did not carry them over. A row that gets a number a second time is missed by followers.
-- The ledger has no index of its numbers across tenants: its newest rows stand for all.
-- params: none
-- index: ix_agent_runs_change_number and ix_runtime_events_lane_number, one entry of each lane;
-- audio_runtime_events_pkey, 1,000 entries
-- locks: none
-- returns: name and highest, the highest number in the table; one row for each
SELECT
    used.name,
    used.highest
FROM (
    SELECT
        'agent_runs_change_seq' AS name,
        max(
            mod(
                (
                    SELECT change_number FROM agent_runs
                    WHERE
                        change_number > 0
                        AND change_number < (every_lane.lane + 1) * 100000000000000000
                    ORDER BY change_number DESC
                    LIMIT 1
                ),
                100000000000000000
            )
        ) AS highest
    FROM generate_series(0, 63) AS every_lane (lane)
    UNION ALL
    SELECT
        'runtime_events_number_seq',
        max(
            (
                SELECT number FROM runtime_events
                WHERE lane = every_lane.lane
                ORDER BY lane DESC, number DESC
                LIMIT 1
            )
        )
    FROM generate_series(0, 63) AS every_lane (lane)
    UNION ALL
    SELECT
        'os_core.audio_runtime_events_feed_seq',
        max(mod(newest.feed_number, 100000000000000000))
    FROM (
        SELECT feed_number FROM os_core.audio_runtime_events
        ORDER BY event_id DESC
        LIMIT 1000
    ) AS newest
) AS used
WHERE used.highest > coalesce(pg_sequence_last_value(used.name::regclass), 0);
