-- Appends events, one or a batch: ledger rows, audit rows and the new heads of their chains.
-- An event that is refused or known already changes nothing and blocks no other.
-- Why it runs behind lock_heads.sql, in the same transaction: identities are drawn before the
-- commit, so two writers of one device could commit in the other order than they drew, and
-- a replay in the order of event_id would not give the state that readers have seen. With
-- the head locked before the first nextval, a device's identities come in the order of its
-- commits. And a statement that waits for a lock goes on with the snapshot that it had before:
-- it would miss the duplicate that the other writer has just committed. So the lock has
-- a statement of its own, and this one begins, with a fresh snapshot, when nobody else can
-- append for these devices.
-- That lock may miss a device: one that is created while the lock of another is waited for. So
-- it only makes collisions rare, and this statement finds them all: a head is moved on only
-- from the hash that the new rows build upon, and ON CONFLICT leaves out a row that somebody
-- else has. In both cases an outcome is NULL, and the caller rolls back and begins anew.
-- params: events (JSON array of objects with the fields that were sent)
-- index: ux_audio_runtime_events_dedupe tells what is known; devices_pkey, sessions_pkey and
-- audio_runtime_heads_pkey, one look for each device and session
-- locks: the new rows; the heads, which the caller has locked; devices and sessions of the
-- new rows against deletion
-- returns: for each event, as sent: position (from 1), outcome (committed, duplicate or the reason
-- of a refusal) and of those committed event_id, audit_event_id, row_hash (hex; else recall.sql)
WITH
sent AS MATERIALIZED (
    SELECT event.*
    FROM
        json_populate_recordset(NULL::os_core.audio_runtime_events, %(events)s::json)
        WITH ORDINALITY AS event
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
        (
            SELECT row_hash FROM os_core.audio_runtime_heads
            WHERE tenant_id = named.tenant_id AND device_id = named.device_id
        ) AS head
    FROM (
        SELECT DISTINCT
            sent.tenant_id,
            sent.device_id
        FROM sent
    ) AS named
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
        sent.ordinality AS position,
        sent.tenant_id,
        sent.device_id,
        sent.event_kind,
        sent.idempotency_key,
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
                    AND known.event_kind = sent.event_kind
                    AND known.idempotency_key
                    BETWEEN sent.idempotency_key AND sent.idempotency_key
                ORDER BY known.idempotency_key
                LIMIT 1
            ) IS NOT NULL THEN 'duplicate'
            WHEN device.bound_to IS NULL THEN 'K_FAIL_DEVICE_UNBOUND'
            WHEN device.bound_to <> sent.tenant_id THEN 'K_FAIL_TENANT_SCOPE_MISMATCH'
            WHEN
                sent.session_id IS NOT NULL
                AND coalesce(opened.tenant_id <> sent.tenant_id, TRUE)
                THEN 'K_FAIL_SESSION_INVALID'
            WHEN device.head IS NULL THEN 'K_FAIL_REBUILD_INTEGRITY'
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
        fresh.position,
        os_core.chain(
            fresh.head,
            os_core.audio_runtime_event_canonical_v1(
                fresh.event_id,
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
                sent.tts_playback_active
            )
        ) OVER (
            PARTITION BY sent.tenant_id, sent.device_id
            ORDER BY fresh.event_id
            ROWS UNBOUNDED PRECEDING
        ) AS row_hash
    FROM fresh
    INNER JOIN sent ON fresh.position = sent.ordinality
),

inserted AS (
    INSERT INTO os_core.audio_runtime_events AS ledger (
        event_id,
        tenant_id,
        device_id,
        session_id,
        event_kind,
        created_at,
        idempotency_key,
        processed_stream_id,
        raw_stream_id,
        pre_roll_buffer_id,
        selected_mic,
        selected_speaker,
        device_health,
        jitter_ms,
        drift_ppm,
        buffer_depth_ms,
        underruns,
        overruns,
        phrase_id,
        phrase_text,
        reason_code,
        capture_degraded,
        aec_unstable,
        device_changed,
        stream_gap_detected,
        tts_playback_active,
        row_hash
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        hashed.event_id,
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
        hashed.row_hash
    FROM hashed
    INNER JOIN sent ON hashed.position = sent.ordinality
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
