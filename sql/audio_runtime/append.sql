-- Appends events, a batch or one: their ledger rows and audit rows, the projection rows and heads
-- of their devices. An event that is refused or a duplicate changes nothing and blocks no other.
-- It locks the heads before the first nextval, because ids are drawn before the commit. Without the
-- lock, two writers of one device could draw ids in one order and commit in the other, and a replay
-- by event_id would differ from the state that readers have seen.
-- It never waits for a lock: after a wait it would continue with its old snapshot, and one stuck
-- writer would delay every device. Instead an event is deferred when its device is locked, or when
-- the locked head is not the newest event or the projection row is not at the head: another writer
-- has committed since the snapshot, or one of them is damaged. The caller then runs lock_heads.sql,
-- which waits, contradictions.sql and project.sql where that was not enough, and this statement
-- again. If a conflict slips past the locks, or an id is not above the head's, all of it fails.
-- A look-up of one row is a range of one with ORDER BY, so that only its index has the order. With
-- "=", statistics of a small table may lead the planner to another index that has the column.
-- params: events (JSON array of objects with the fields that were sent), tenant_id (the
-- only one; NULL: any)
-- index: ux_audio_runtime_events_dedupe per event; devices_pkey, sessions_pkey,
-- audio_runtime_heads_pkey, audio_runtime_current_pkey and
-- ix_audio_runtime_events_tenant_device_time per device or session
-- locks: the heads and projection rows of devices that are free; the new rows; the devices and
-- sessions of the new rows against deletion
-- returns: for each event, in the order sent: outcome (committed, duplicate, deferred, or the
-- reason code of a refusal); of a committed event also event_id, audit_event_id and row_hash (hex)
WITH

-- The events, in the types of the ledger's columns.
sent AS MATERIALIZED (
    SELECT
        sent_event.tenant_id,
        sent_event.device_id,
        sent_event.session_id,
        sent_event.event_kind,
        sent_event.created_at,
        sent_event.idempotency_key,
        sent_event.processed_stream_id,
        sent_event.raw_stream_id,
        sent_event.pre_roll_buffer_id,
        sent_event.selected_mic,
        sent_event.selected_speaker,
        sent_event.device_health,
        sent_event.jitter_ms,
        sent_event.drift_ppm,
        sent_event.buffer_depth_ms,
        sent_event.underruns,
        sent_event.overruns,
        sent_event.phrase_id,
        sent_event.phrase_text,
        sent_event.reason_code,
        sent_event.capture_degraded,
        sent_event.aec_unstable,
        sent_event.device_changed,
        sent_event.stream_gap_detected,
        sent_event.tts_playback_active,
        (sent_event.*)::os_core.audio_runtime_event AS unstored_row,
        row_number() OVER () AS sent_position
    FROM
        json_populate_recordset(NULL::os_core.audio_runtime_event, %(events)s::json) AS sent_event
),

-- Their devices: the tenant that owns each, its newest event, its head and its projection row, both
-- locked. A scalar subquery reads an index. For a join the planner might scan the table.
devices AS MATERIALIZED (
    SELECT
        named.tenant_id,
        named.device_id,
        (
            SELECT tenant_id FROM os_core.devices
            WHERE device_id BETWEEN named.device_id AND named.device_id
            ORDER BY device_id
            LIMIT 1
        ) AS owner_id,
        head.event_id AS head_event_id,
        head.row_hash AS head_row_hash,
        coalesce(
            (
                SELECT
                    coalesce(
                        newest.event_id = head.event_id AND newest.row_hash = head.row_hash, FALSE
                    )
                FROM os_core.audio_runtime_events AS newest
                WHERE
                    newest.tenant_id = coalesce(%(tenant_id)s, named.tenant_id)
                    AND newest.device_id BETWEEN named.device_id AND named.device_id
                ORDER BY newest.device_id DESC, newest.event_id DESC
                LIMIT 1
            ),
            head.event_id IS NULL AND head.row_hash = decode(repeat('00', 32), 'hex')
        ) AS head_is_newest,
        projection.projection_row
    FROM (
        SELECT DISTINCT
            sent.tenant_id,
            sent.device_id
        FROM sent
    ) AS named
    LEFT JOIN LATERAL (
        SELECT
            event_id,
            row_hash
        FROM os_core.audio_runtime_heads
        WHERE
            tenant_id = coalesce(%(tenant_id)s, named.tenant_id)
            AND device_id = named.device_id
        FOR UPDATE SKIP LOCKED
    ) AS head ON TRUE
    -- FOR UPDATE reads the newest version of the row. That of the snapshot may be older than a
    -- rebuild that has just committed.
    LEFT JOIN LATERAL (
        SELECT
            row(
                stored.tenant_id, stored.device_id, stored.session_id, stored.processed_stream_id,
                stored.raw_stream_id, stored.pre_roll_buffer_id, stored.selected_mic,
                stored.selected_speaker, stored.device_health, stored.jitter_ms, stored.drift_ppm,
                stored.buffer_depth_ms, stored.underruns, stored.overruns,
                stored.last_interrupt_phrase_id, stored.last_interrupt_phrase_text,
                stored.last_interrupt_reason_code, stored.capture_degraded, stored.aec_unstable,
                stored.device_changed, stored.stream_gap_detected, stored.tts_playback_active,
                stored.last_event_id, stored.updated_at
            )::os_core.audio_runtime_state AS projection_row
        FROM os_core.audio_runtime_current AS stored
        WHERE
            head.row_hash IS NOT NULL
            AND stored.tenant_id = coalesce(%(tenant_id)s, named.tenant_id)
            AND stored.device_id = named.device_id
        FOR UPDATE SKIP LOCKED
    ) AS projection ON TRUE
),

-- Their sessions, with the tenant that owns each.
sessions AS MATERIALIZED (
    SELECT
        named.session_id,
        (
            SELECT tenant_id FROM os_core.sessions
            WHERE session_id BETWEEN named.session_id AND named.session_id
            ORDER BY session_id
            LIMIT 1
        ) AS owner_id
    FROM (SELECT DISTINCT sent.session_id FROM sent) AS named
),

-- The verdict on each event: NULL when it is to be appended, else why not. With the head that it
-- would be chained to.
verdicts AS MATERIALIZED (
    SELECT
        sent.sent_position AS position,
        sent.tenant_id,
        sent.device_id,
        sent.event_kind,
        sent.idempotency_key,
        devices.head_event_id,
        devices.head_row_hash,
        CASE
            WHEN (
                SELECT stored.event_id
                FROM os_core.audio_runtime_events AS stored
                WHERE
                    stored.tenant_id = coalesce(%(tenant_id)s, sent.tenant_id)
                    AND stored.device_id = sent.device_id
                    AND stored.event_kind = sent.event_kind
                    AND stored.idempotency_key BETWEEN sent.idempotency_key AND sent.idempotency_key
                ORDER BY stored.idempotency_key
                LIMIT 1
            ) IS NOT NULL THEN 'duplicate'
            WHEN devices.owner_id IS NULL THEN 'K_FAIL_DEVICE_UNBOUND'
            WHEN devices.owner_id <> sent.tenant_id THEN 'K_FAIL_TENANT_SCOPE_MISMATCH'
            WHEN
                sent.session_id IS NOT NULL
                AND coalesce(sessions.owner_id <> sent.tenant_id, TRUE)
                THEN 'K_FAIL_SESSION_INVALID'
            WHEN
                devices.head_row_hash IS NULL
                AND NOT EXISTS (
                    SELECT FROM os_core.audio_runtime_heads
                    WHERE
                        tenant_id = coalesce(%(tenant_id)s, sent.tenant_id)
                        AND device_id = sent.device_id
                )
                THEN 'K_FAIL_REBUILD_INTEGRITY'
            WHEN
                devices.head_row_hash IS NULL
                OR NOT devices.head_is_newest
                OR coalesce((devices.projection_row).last_event_id, 0)
                <> coalesce(devices.head_event_id, 0)
                THEN 'deferred'
        END AS verdict
    FROM sent
    INNER JOIN devices
        ON sent.tenant_id = devices.tenant_id AND sent.device_id = devices.device_id
    LEFT JOIN sessions ON sent.session_id = sessions.session_id
),

-- The ids of the events to append. Of events that share a dedupe key, the first gets one.
drawn_ids AS MATERIALIZED (
    SELECT
        nextval('os_core.audio_runtime_events_event_id_seq') AS event_id,
        first_sent.position,
        first_sent.head_event_id,
        first_sent.head_row_hash
    FROM (
        SELECT
            min(verdicts.position) AS position,
            verdicts.head_event_id,
            verdicts.head_row_hash
        FROM verdicts
        WHERE verdicts.verdict IS NULL
        GROUP BY
            verdicts.tenant_id,
            verdicts.device_id,
            verdicts.event_kind,
            verdicts.idempotency_key,
            verdicts.head_event_id,
            verdicts.head_row_hash
        ORDER BY min(verdicts.position)
    ) AS first_sent
),

-- The ledger rows, each chained to the one before it.
ledger_rows AS (
    INSERT INTO os_core.audio_runtime_events AS ledger_row (
        event_id, tenant_id, device_id, session_id, event_kind, created_at, idempotency_key,
        processed_stream_id, raw_stream_id, pre_roll_buffer_id,
        selected_mic, selected_speaker, device_health,
        jitter_ms, drift_ppm, buffer_depth_ms, underruns, overruns,
        phrase_id, phrase_text, reason_code,
        capture_degraded, aec_unstable, device_changed, stream_gap_detected,
        tts_playback_active,
        row_hash
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        CASE
            WHEN drawn_ids.event_id > coalesce(drawn_ids.head_event_id, 0) THEN drawn_ids.event_id
            ELSE os_core.audio_runtime_sequence_behind()
        END,
        sent.tenant_id,
        sent.device_id,
        sent.session_id,
        sent.event_kind,
        sent.created_at,
        sent.idempotency_key,
        sent.processed_stream_id,
        sent.raw_stream_id,
        sent.pre_roll_buffer_id,
        sent.selected_mic,
        sent.selected_speaker,
        sent.device_health,
        sent.jitter_ms,
        sent.drift_ppm,
        sent.buffer_depth_ms,
        sent.underruns,
        sent.overruns,
        sent.phrase_id,
        sent.phrase_text,
        sent.reason_code,
        sent.capture_degraded,
        sent.aec_unstable,
        sent.device_changed,
        sent.stream_gap_detected,
        sent.tts_playback_active,
        os_core.chain(
            drawn_ids.head_row_hash,
            os_core.audio_runtime_event_content(
                sent.unstored_row,
                drawn_ids.event_id,
                os_core.canonical_field(sent.tenant_id) || os_core.canonical_field(sent.device_id)
            )
        ) OVER (
            PARTITION BY sent.tenant_id, sent.device_id
            ORDER BY drawn_ids.event_id
            ROWS UNBOUNDED PRECEDING
        )
    FROM drawn_ids
    INNER JOIN sent ON drawn_ids.position = sent.sent_position
    ORDER BY drawn_ids.event_id
    ON CONFLICT (tenant_id, device_id, event_kind, idempotency_key) DO NOTHING
    RETURNING
        ledger_row.event_id,
        ledger_row.tenant_id,
        ledger_row.device_id,
        ledger_row.row_hash,
        row(
            ledger_row.event_id, ledger_row.tenant_id, ledger_row.device_id, ledger_row.session_id,
            ledger_row.event_kind, ledger_row.created_at, ledger_row.idempotency_key,
            ledger_row.processed_stream_id, ledger_row.raw_stream_id, ledger_row.pre_roll_buffer_id,
            ledger_row.selected_mic, ledger_row.selected_speaker, ledger_row.device_health,
            ledger_row.jitter_ms, ledger_row.drift_ppm, ledger_row.buffer_depth_ms,
            ledger_row.underruns, ledger_row.overruns, ledger_row.phrase_id, ledger_row.phrase_text,
            ledger_row.reason_code, ledger_row.capture_degraded, ledger_row.aec_unstable,
            ledger_row.device_changed, ledger_row.stream_gap_detected,
            ledger_row.tts_playback_active, ledger_row.row_hash
        )::os_core.audio_runtime_event AS ledger_row
),

-- Their audit rows.
audit_rows AS (
    INSERT INTO audit.audit_events (
        tenant_id, device_id, engine, event_type, reason_codes, severity, source_event_id,
        payload_min
    )
    SELECT
        ledger_rows.tenant_id,
        ledger_rows.device_id,
        'PH1.K',
        audit_row.event_type,
        audit_row.reason_codes,
        audit_row.severity,
        ledger_rows.event_id,
        audit_row.payload_min
    FROM ledger_rows
    CROSS JOIN LATERAL audit.audio_runtime_row(ledger_rows.ledger_row) AS audit_row
    ORDER BY ledger_rows.event_id
    RETURNING audit_event_id, source_event_id
),

-- The projection rows: the new events of each device, folded into its state.
projection_rows AS (
    INSERT INTO os_core.audio_runtime_current (
        tenant_id, device_id, session_id,
        processed_stream_id, raw_stream_id, pre_roll_buffer_id,
        selected_mic, selected_speaker, device_health,
        jitter_ms, drift_ppm, buffer_depth_ms, underruns, overruns,
        last_interrupt_phrase_id, last_interrupt_phrase_text, last_interrupt_reason_code,
        capture_degraded, aec_unstable, device_changed, stream_gap_detected,
        tts_playback_active,
        last_event_id, updated_at
    )
    SELECT
        folded.tenant_id,
        folded.device_id,
        folded.session_id,
        folded.processed_stream_id,
        folded.raw_stream_id,
        folded.pre_roll_buffer_id,
        folded.selected_mic,
        folded.selected_speaker,
        folded.device_health,
        folded.jitter_ms,
        folded.drift_ppm,
        folded.buffer_depth_ms,
        folded.underruns,
        folded.overruns,
        folded.last_interrupt_phrase_id,
        folded.last_interrupt_phrase_text,
        folded.last_interrupt_reason_code,
        folded.capture_degraded,
        folded.aec_unstable,
        folded.device_changed,
        folded.stream_gap_detected,
        folded.tts_playback_active,
        folded.last_event_id,
        folded.updated_at
    FROM (
        SELECT
            ledger_rows.tenant_id,
            ledger_rows.device_id,
            array_agg(ledger_rows.ledger_row) AS events
        FROM ledger_rows
        GROUP BY ledger_rows.tenant_id, ledger_rows.device_id
    ) AS appended
    INNER JOIN devices
        ON appended.tenant_id = devices.tenant_id AND appended.device_id = devices.device_id
    CROSS JOIN LATERAL os_core.audio_runtime_fold(devices.projection_row, appended.events) AS folded
    ON CONFLICT (tenant_id, device_id) DO UPDATE
        SET
            session_id = excluded.session_id,
            processed_stream_id = excluded.processed_stream_id,
            raw_stream_id = excluded.raw_stream_id,
            pre_roll_buffer_id = excluded.pre_roll_buffer_id,
            selected_mic = excluded.selected_mic,
            selected_speaker = excluded.selected_speaker,
            device_health = excluded.device_health,
            jitter_ms = excluded.jitter_ms,
            drift_ppm = excluded.drift_ppm,
            buffer_depth_ms = excluded.buffer_depth_ms,
            underruns = excluded.underruns,
            overruns = excluded.overruns,
            last_interrupt_phrase_id = excluded.last_interrupt_phrase_id,
            last_interrupt_phrase_text = excluded.last_interrupt_phrase_text,
            last_interrupt_reason_code = excluded.last_interrupt_reason_code,
            capture_degraded = excluded.capture_degraded,
            aec_unstable = excluded.aec_unstable,
            device_changed = excluded.device_changed,
            stream_gap_detected = excluded.stream_gap_detected,
            tts_playback_active = excluded.tts_playback_active,
            last_event_id = excluded.last_event_id,
            updated_at = excluded.updated_at
),

-- The heads, moved to the newest row of each device. A head that has changed since the rows were
-- chained to it is not moved.
moved_heads AS (
    UPDATE os_core.audio_runtime_heads AS head
    SET event_id = newest.event_id, row_hash = newest.row_hash
    FROM (
        SELECT DISTINCT ON (ledger_rows.tenant_id, ledger_rows.device_id)
            ledger_rows.tenant_id,
            ledger_rows.device_id,
            ledger_rows.event_id,
            ledger_rows.row_hash
        FROM ledger_rows
        ORDER BY ledger_rows.tenant_id ASC, ledger_rows.device_id ASC, ledger_rows.event_id DESC
    ) AS newest
    INNER JOIN devices
        ON newest.tenant_id = devices.tenant_id AND newest.device_id = devices.device_id
    WHERE
        head.tenant_id = coalesce(%(tenant_id)s, newest.tenant_id)
        AND head.device_id = newest.device_id
        AND head.row_hash = devices.head_row_hash
    RETURNING head.tenant_id, head.device_id
)

SELECT
    CASE
        WHEN verdicts.verdict IS NOT NULL THEN verdicts.verdict
        WHEN drawn_ids.event_id IS NULL THEN 'duplicate'
        WHEN moved_heads.device_id IS NOT NULL AND ledger_rows.event_id IS NOT NULL
            THEN 'committed'
        ELSE os_core.audio_runtime_collision()
    END AS outcome,
    ledger_rows.event_id,
    audit_rows.audit_event_id,
    encode(ledger_rows.row_hash, 'hex') AS row_hash
FROM verdicts
-- Each row on the right has a match on the left, so FULL gives what LEFT would. But FULL is never a
-- nested loop, which would compare every row with every other.
FULL JOIN drawn_ids ON verdicts.position = drawn_ids.position
FULL JOIN ledger_rows ON drawn_ids.event_id = ledger_rows.event_id
FULL JOIN audit_rows ON drawn_ids.event_id = audit_rows.source_event_id
FULL JOIN moved_heads
    ON verdicts.tenant_id = moved_heads.tenant_id AND verdicts.device_id = moved_heads.device_id
ORDER BY verdicts.position;
