-- Appends events, one or a batch: ledger rows, audit rows, the projection and the new heads of
-- their chains. An event that is refused or known already changes nothing and blocks no other.
-- Why it locks the heads before the first nextval: identities are drawn before the commit, so two
-- writers of one device could commit in the other order than they drew, and a replay in the
-- order of event_id would not give the state that readers have seen. With the head locked, a
-- device's identities come in the order of its commits.
-- It waits for no other append or rebuild: a statement that waits goes on with the snapshot that
-- it had before, and a device whose writer is stuck is to hold up no other. Its events are
-- deferred: who wants to wait runs lock_heads.sql first, in the same transaction. Deferred are
-- also those of a device whose projection is not as of the locked head: somebody has committed
-- between the snapshot and the lock, or has taken the row away. project.sql is to be run then.
-- What is missed all the same (ON CONFLICT leaves a row out, a head is not the one that the
-- new rows build upon) undoes the statement.
-- params: events (JSON array of objects with the fields that were sent)
-- index: ux_audio_runtime_events_dedupe tells what is known; devices_pkey, sessions_pkey,
-- audio_runtime_heads_pkey and audio_runtime_current_pkey, one look for each device or session
-- locks: the new rows; the heads that nobody else has, and their rows of the projection; devices
-- and sessions of the new rows against deletion
-- returns: for each event, as sent: position (from 1), outcome (committed, duplicate, deferred or
-- the reason of a refusal) and of those committed event_id, audit_event_id, row_hash (hex; else
-- describe_duplicates.sql)
WITH
sent AS MATERIALIZED (
    SELECT
        event.tenant_id,
        event.device_id,
        event.session_id,
        event,
        row_number() OVER () AS position
    FROM json_populate_recordset(NULL::os_core.audio_runtime_events, %(events)s::json) AS event
),

-- Scalar subqueries are one look into an index each, whatever the planner thinks that the array
-- holds: a join could become a scan of the table.
device AS MATERIALIZED (
    SELECT
        named.tenant_id,
        named.device_id,
        (
            SELECT tenant_id FROM os_core.devices
            WHERE device_id = named.device_id
        ) AS bound_to,
        locked.row_hash AS head,
        locked.event_id AS head_event_id,
        projection.known
    FROM (
        SELECT DISTINCT
            sent.tenant_id,
            sent.device_id
        FROM sent
    ) AS named
    LEFT JOIN LATERAL (
        SELECT
            row_hash,
            event_id
        FROM os_core.audio_runtime_heads
        WHERE tenant_id = named.tenant_id AND device_id = named.device_id
        FOR UPDATE SKIP LOCKED
    ) AS locked ON TRUE
    -- Locked as well, behind the head: a lock reads the newest version, where the snapshot may
    -- still have the one that a rebuild has just mended.
    LEFT JOIN LATERAL (
        SELECT known FROM os_core.audio_runtime_current AS known
        WHERE
            locked.row_hash IS NOT NULL
            AND tenant_id = named.tenant_id
            AND device_id = named.device_id
        FOR UPDATE SKIP LOCKED
    ) AS projection ON TRUE
),

opened AS MATERIALIZED (
    SELECT
        named.session_id,
        (
            SELECT tenant_id FROM os_core.sessions
            WHERE session_id = named.session_id
        ) AS tenant_id
    FROM (SELECT DISTINCT sent.session_id FROM sent) AS named
),

judged AS MATERIALIZED (
    SELECT
        sent.position,
        sent.tenant_id,
        sent.device_id,
        (sent.event).event_kind,
        (sent.event).idempotency_key,
        device.head,
        CASE
            -- The key is asked for as a range of one, in order: only the index that makes it
            -- unique can say that, while with "=" all that begin with the device look alike
            -- until the table is analysed.
            WHEN (
                SELECT known.event_id
                FROM os_core.audio_runtime_events AS known
                WHERE
                    known.tenant_id = sent.tenant_id
                    AND known.device_id = sent.device_id
                    AND known.event_kind = (sent.event).event_kind
                    AND known.idempotency_key
                    BETWEEN (sent.event).idempotency_key AND (sent.event).idempotency_key
                ORDER BY known.idempotency_key
                LIMIT 1
            ) IS NOT NULL THEN 'duplicate'
            WHEN device.bound_to IS NULL THEN 'K_FAIL_DEVICE_UNBOUND'
            WHEN device.bound_to <> sent.tenant_id THEN 'K_FAIL_TENANT_SCOPE_MISMATCH'
            WHEN
                sent.session_id IS NOT NULL
                AND coalesce(opened.tenant_id <> sent.tenant_id, TRUE)
                THEN 'K_FAIL_SESSION_INVALID'
            WHEN
                device.head IS NULL
                AND NOT EXISTS (
                    SELECT FROM os_core.audio_runtime_heads
                    WHERE tenant_id = sent.tenant_id AND device_id = sent.device_id
                )
                THEN 'K_FAIL_REBUILD_INTEGRITY'
            WHEN
                device.head IS NULL
                OR coalesce((device.known).last_event_id, 0) <> coalesce(device.head_event_id, 0)
                THEN 'deferred'
        END AS verdict
    FROM sent
    INNER JOIN device ON sent.tenant_id = device.tenant_id AND sent.device_id = device.device_id
    LEFT JOIN opened ON sent.session_id = opened.session_id
),

-- Of a new event that is there several times in the batch, the first is the event.
fresh AS MATERIALIZED (
    SELECT
        nextval('os_core.audio_runtime_events_event_id_seq') AS event_id,
        first_sent.position,
        first_sent.head
    FROM (
        SELECT
            min(judged.position) AS position,
            judged.head
        FROM judged
        WHERE judged.verdict IS NULL
        GROUP BY
            judged.tenant_id,
            judged.device_id,
            judged.event_kind,
            judged.idempotency_key,
            judged.head
        ORDER BY min(judged.position)
    ) AS first_sent
),

hashed AS (
    SELECT
        fresh.event_id,
        sent.event,
        os_core.chain(
            fresh.head,
            os_core.audio_runtime_event_content(
                os_core.audio_runtime_event_chained(sent.event, fresh.event_id, NULL)
            )
        ) OVER (
            PARTITION BY sent.tenant_id, sent.device_id
            ORDER BY fresh.event_id
            ROWS UNBOUNDED PRECEDING
        ) AS row_hash
    FROM fresh
    INNER JOIN sent ON fresh.position = sent.position
),

inserted AS (
    INSERT INTO os_core.audio_runtime_events AS ledger
    OVERRIDING SYSTEM VALUE
    SELECT (os_core.audio_runtime_event_chained(hashed.event, hashed.event_id, hashed.row_hash)).*
    FROM hashed
    ORDER BY hashed.event_id
    ON CONFLICT (tenant_id, device_id, event_kind, idempotency_key) DO NOTHING
    RETURNING
        ledger.event_id,
        ledger.tenant_id,
        ledger.device_id,
        ledger.row_hash,
        ledger AS event
),

audited AS (
    INSERT INTO audit.audit_events (
        tenant_id,
        device_id,
        engine,
        event_type,
        reason_codes,
        severity,
        source_event_id,
        payload_min
    )
    SELECT
        inserted.tenant_id,
        inserted.device_id,
        'PH1.K',
        audit_row.event_type,
        audit_row.reason_codes,
        audit_row.severity,
        inserted.event_id,
        audit_row.payload_min
    FROM inserted
    CROSS JOIN LATERAL audit.audio_runtime_row(inserted.event) AS audit_row
    ORDER BY inserted.event_id
    RETURNING audit_event_id, source_event_id
),

projected AS (
    INSERT INTO os_core.audio_runtime_current
    SELECT folded.*
    FROM (
        SELECT
            inserted.tenant_id,
            inserted.device_id,
            array_agg(inserted.event) AS events
        FROM inserted
        GROUP BY inserted.tenant_id, inserted.device_id
    ) AS appended
    INNER JOIN device
        ON appended.tenant_id = device.tenant_id AND appended.device_id = device.device_id
    CROSS JOIN LATERAL os_core.audio_runtime_fold(device.known, appended.events) AS folded
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

advanced AS (
    UPDATE os_core.audio_runtime_heads AS head
    SET event_id = newest.event_id, row_hash = newest.row_hash
    FROM (
        SELECT DISTINCT ON (inserted.tenant_id, inserted.device_id)
            inserted.tenant_id,
            inserted.device_id,
            inserted.event_id,
            inserted.row_hash,
            device.head AS built_upon
        FROM inserted
        INNER JOIN device
            ON inserted.tenant_id = device.tenant_id AND inserted.device_id = device.device_id
        ORDER BY inserted.tenant_id ASC, inserted.device_id ASC, inserted.event_id DESC
    ) AS newest
    WHERE
        head.tenant_id = newest.tenant_id
        AND head.device_id = newest.device_id
        AND head.row_hash = newest.built_upon
    RETURNING head.tenant_id, head.device_id
)

SELECT
    judged.position,
    CASE
        WHEN judged.verdict IS NOT NULL THEN judged.verdict
        WHEN fresh.event_id IS NULL THEN 'duplicate'
        WHEN advanced.device_id IS NOT NULL AND inserted.event_id IS NOT NULL THEN 'committed'
        ELSE os_core.audio_runtime_collision()
    END AS outcome,
    inserted.event_id,
    audited.audit_event_id,
    encode(inserted.row_hash, 'hex') AS row_hash
-- As good as LEFT, as each row has one to its left, where LEFT ones would compare all with all.
FROM judged
FULL JOIN fresh ON judged.position = fresh.position
FULL JOIN inserted ON fresh.event_id = inserted.event_id
FULL JOIN audited ON fresh.event_id = audited.source_event_id
FULL JOIN advanced
    ON judged.tenant_id = advanced.tenant_id AND judged.device_id = advanced.device_id
ORDER BY judged.position;
