-- Lists the sequences that are behind their table: the next value exists already, or is below one
-- that does. A sequence of a new column needs a SELECT of its own here.
-- Sequences are read after the snapshot was taken, so a value that it sees was given before.
-- params: none
-- index: audio_runtime_events_pkey and audit_events_pkey, one entry; ix_runtime_events_lane_number,
-- one entry of each lane
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
        'audit.audit_events_audit_event_id_seq' AS sequence,
        (SELECT max(audit_event_id) FROM audit.audit_events) AS highest
    UNION ALL
    SELECT
        'runtime_events_number_seq' AS sequence,
        (
            SELECT max(newest.number)
            FROM generate_series(0, 63) AS every_lane (lane)
            CROSS JOIN LATERAL (
                SELECT number FROM runtime_events
                WHERE lane = every_lane.lane
                ORDER BY lane DESC, number DESC
                LIMIT 1
            ) AS newest
        ) AS highest
) AS numbered
WHERE coalesce(last_given(to_regclass(numbered.sequence)), 0) < numbered.highest
ORDER BY numbered.sequence;
