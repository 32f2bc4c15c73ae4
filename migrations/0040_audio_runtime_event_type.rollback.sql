SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION os_core.audio_runtime_replay(of_tenant_id text, of_device_id text)
RETURNS SETOF os_core.audio_runtime_state
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
-- MATERIALIZED, because the fold refers to its events twice and would look them up twice.
WITH latest_events AS MATERIALIZED (
    -- The state depends on eight events alone: the latest of each kind, and the latest with a
    -- session. Indexes find them without reading the history.
    SELECT array(
        SELECT latest.ledger_row
        FROM (
            VALUES
            ('STREAM_REFS'),
            ('VAD_EVENT'),
            ('DEVICE_STATE'),
            ('TIMING_STATS'),
            ('INTERRUPT_CANDIDATE'),
            ('DEGRADATION_FLAGS'),
            ('TTS_PLAYBACK_ACTIVE')
        ) AS kind (name)
        CROSS JOIN LATERAL (
            SELECT (ledger_row.*)::os_core.audio_runtime_events AS ledger_row
            FROM os_core.audio_runtime_events AS ledger_row
            WHERE
                ledger_row.tenant_id = audio_runtime_replay.of_tenant_id
                AND ledger_row.device_id = audio_runtime_replay.of_device_id
                -- BETWEEN x AND x instead of = x forces the index on the kind. With = the planner
                -- may walk the events of all kinds back to the first, when this kind has none.
                AND ledger_row.event_kind BETWEEN kind.name AND kind.name
            ORDER BY ledger_row.event_kind DESC, ledger_row.event_id DESC
            LIMIT 1
        ) AS latest
        UNION ALL
        (
            SELECT (ledger_row.*)::os_core.audio_runtime_events AS ledger_row
            FROM os_core.audio_runtime_events AS ledger_row
            WHERE
                ledger_row.tenant_id = audio_runtime_replay.of_tenant_id
                AND ledger_row.device_id = audio_runtime_replay.of_device_id
                AND ledger_row.session_id IS NOT NULL
            ORDER BY ledger_row.event_id DESC
            LIMIT 1
        )
    ) AS events
)

SELECT folded.*
FROM latest_events
CROSS JOIN LATERAL os_core.audio_runtime_fold(NULL, latest_events.events) AS folded;
$$;

DROP FUNCTION os_core.audio_runtime_fold(
    os_core.audio_runtime_state, os_core.audio_runtime_event[]
);

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_event);

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_event, bytea);

DROP FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_event, bigint, bytea);

DROP TYPE os_core.audio_runtime_event;
