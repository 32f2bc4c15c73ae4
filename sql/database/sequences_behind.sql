-- Lists the sequences that are behind their table: the next value exists already, or is below one
-- that does. A row that gets a number a second time is missed by followers. A sequence of a new
-- column needs a SELECT of its own here. Sequences are read after the snapshot was taken, so what
-- it sees was given before.
-- The ledger has no index of its feed numbers across tenants: its newest rows stand for all.
-- params: none
-- index: audio_runtime_events_pkey, 1,000 entries; audit_events_pkey, one entry;
-- ix_runtime_events_lane_number, runtime_events_pruned_pkey and ix_agent_runs_change_number, one
-- entry of each lane
-- locks: none
-- returns: sequence, given (its last value) and highest (that of the table), one row for each
SELECT
    numbered.sequence,
    last_given(to_regclass(numbered.sequence)) AS given,
    numbered.highest
FROM (
    SELECT
        'os_core.audio_runtime_events_event_id_seq' AS sequence,
        (SELECT max(event_id) FROM os_core.audio_runtime_events) AS highest
    UNION ALL
    SELECT
        'os_core.audio_runtime_events_feed_seq' AS sequence,
        (
            SELECT max(mod(newest.feed_number, 100000000000000000))
            FROM (
                SELECT feed_number FROM os_core.audio_runtime_events
                ORDER BY event_id DESC
                LIMIT 1000
            ) AS newest
        ) AS highest
    UNION ALL
    SELECT
        'audit.audit_events_audit_event_id_seq' AS sequence,
        (SELECT max(audit_event_id) FROM audit.audit_events) AS highest
    UNION ALL
    SELECT
        'runtime_events_number_seq' AS sequence,
        (
            SELECT max(newest.number)
            FROM generate_series(0, 63) AS every_lane (lane)
            CROSS JOIN LATERAL (
                (
                    SELECT number FROM runtime_events
                    WHERE lane = every_lane.lane
                    ORDER BY lane DESC, number DESC
                    LIMIT 1
                )
                UNION ALL
                SELECT pruned.number FROM runtime_events_pruned AS pruned
                WHERE pruned.lane = every_lane.lane
            ) AS newest
        ) AS highest
    UNION ALL
    SELECT
        'agent_runs_change_seq' AS sequence,
        (
            SELECT max(mod(newest.change_number, 100000000000000000))
            FROM generate_series(0, 63) AS every_lane (lane)
            CROSS JOIN LATERAL (
                SELECT change_number FROM agent_runs
                WHERE
                    change_number > 0
                    AND change_number >= every_lane.lane * 100000000000000000
                    AND change_number < (every_lane.lane + 1) * 100000000000000000
                ORDER BY change_number DESC
                LIMIT 1
            ) AS newest
        ) AS highest
) AS numbered
WHERE coalesce(last_given(to_regclass(numbered.sequence)), 0) < numbered.highest
ORDER BY numbered.sequence;
