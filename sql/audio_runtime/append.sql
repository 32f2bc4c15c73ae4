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
-- Should somebody have appended past the lock all the same, ON CONFLICT leaves a row out that
-- the next hash builds upon. Then fewer rows are inserted than were hashed, an outcome below
-- is NULL, and the caller rolls back and begins anew.
-- params: events (JSON array of objects with the fields that were sent)
-- index: ux_audio_runtime_events_dedupe tells what is known; devices_pkey, sessions_pkey,
-- audio_runtime_heads_pkey; audit_events_source_event_id_key for what is known
-- locks: the new rows; the heads, which the caller has locked; devices and sessions of the
-- new rows against deletion
-- returns: for each event, in the order sent: position (from 1), outcome (committed, duplicate,
-- or the reason why it is refused), event_id, audit_event_id, row_hash (hex) and differs (the
-- fields in which a duplicate is not the same), as far as the outcome has them
WITH
-- Scalar subqueries, because each is one look into an index whatever the planner thinks that
-- the array holds: a join could become a scan of the ledger. The key is asked for as a range
-- of one, in order: only the index that makes it unique can say that, while with "=" all that
-- begin with the device look alike until the table is analysed.
found AS MATERIALIZED (
    SELECT
        item.position,
        event,
        (
            SELECT tenant_id FROM os_core.devices
            WHERE device_id = event.device_id
        ) AS bound_to,
        (
            SELECT tenant_id FROM os_core.sessions
            WHERE session_id = event.session_id
        ) AS session_of,
        (
            SELECT row_hash FROM os_core.audio_runtime_heads
            WHERE tenant_id = event.tenant_id AND device_id = event.device_id
        ) AS head,
        (
            SELECT stored
            FROM os_core.audio_runtime_events AS stored
            WHERE
                stored.tenant_id = event.tenant_id
                AND stored.device_id = event.device_id
                AND stored.event_kind = event.event_kind
                AND stored.idempotency_key
                BETWEEN event.idempotency_key AND event.idempotency_key
            ORDER BY stored.idempotency_key
            LIMIT 1
        ) AS stored
    FROM json_array_elements(%(events)s::json) WITH ORDINALITY AS item (payload, position)
    CROSS JOIN LATERAL json_populate_record(NULL::os_core.audio_runtime_events, payload) AS event
),

judged AS MATERIALIZED (
    SELECT
        found.position,
        found.event,
        found.head,
        found.stored,
        CASE
            WHEN (found.stored).event_id IS NOT NULL THEN 'duplicate'
            WHEN found.bound_to IS NULL THEN 'K_FAIL_DEVICE_UNBOUND'
            WHEN found.bound_to <> (found.event).tenant_id THEN 'K_FAIL_TENANT_SCOPE_MISMATCH'
            WHEN
                (found.event).session_id IS NOT NULL
                AND coalesce(found.session_of <> (found.event).tenant_id, TRUE)
                THEN 'K_FAIL_SESSION_INVALID'
            WHEN found.head IS NULL THEN 'K_FAIL_REBUILD_INTEGRITY'
        END AS verdict
    FROM found
),

-- Of a new event that is there several times in the batch, the first is the event.
ranked AS MATERIALIZED (
    SELECT
        judged.position,
        judged.event,
        judged.head,
        judged.stored,
        judged.verdict,
        min(judged.position) OVER same AS first_position,
        judged.verdict IS NULL AND judged.position = min(judged.position) OVER same AS is_new
    FROM judged
    WINDOW same AS (
        PARTITION BY
            judged.verdict IS NULL,
            (judged.event).tenant_id,
            (judged.event).device_id,
            (judged.event).event_kind,
            (judged.event).idempotency_key
    )
),

drawn AS MATERIALIZED (
    SELECT
        nextval('os_core.audio_runtime_events_event_id_seq') AS event_id,
        fresh.position,
        fresh.event,
        fresh.head
    FROM (
        SELECT
            ranked.position,
            ranked.event,
            ranked.head
        FROM ranked
        WHERE ranked.is_new
        ORDER BY ranked.position
    ) AS fresh
),

hashed AS (
    SELECT
        drawn.event_id,
        drawn.event,
        os_core.chain(
            drawn.head,
            os_core.audio_runtime_event_canonical_v1(
                drawn.event_id,
                (drawn.event).tenant_id,
                (drawn.event).device_id,
                (drawn.event).session_id,
                (drawn.event).event_kind,
                (drawn.event).created_at,
                (drawn.event).idempotency_key,
                (drawn.event).processed_stream_id,
                (drawn.event).raw_stream_id,
                (drawn.event).pre_roll_buffer_id,
                (drawn.event).selected_mic,
                (drawn.event).selected_speaker,
                (drawn.event).device_health,
                (drawn.event).jitter_ms,
                (drawn.event).drift_ppm,
                (drawn.event).buffer_depth_ms,
                (drawn.event).underruns,
                (drawn.event).overruns,
                (drawn.event).phrase_id,
                (drawn.event).phrase_text,
                (drawn.event).reason_code,
                (drawn.event).capture_degraded,
                (drawn.event).aec_unstable,
                (drawn.event).device_changed,
                (drawn.event).stream_gap_detected,
                (drawn.event).tts_playback_active
            )
        ) OVER (
            PARTITION BY (drawn.event).tenant_id, (drawn.event).device_id
            ORDER BY drawn.event_id
            ROWS UNBOUNDED PRECEDING
        ) AS row_hash
    FROM drawn
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
        (hashed.event).tenant_id,
        (hashed.event).device_id,
        (hashed.event).session_id,
        (hashed.event).event_kind,
        (hashed.event).created_at,
        (hashed.event).idempotency_key,
        (hashed.event).processed_stream_id,
        (hashed.event).raw_stream_id,
        (hashed.event).pre_roll_buffer_id,
        (hashed.event).selected_mic,
        (hashed.event).selected_speaker,
        (hashed.event).device_health,
        (hashed.event).jitter_ms,
        (hashed.event).drift_ppm,
        (hashed.event).buffer_depth_ms,
        (hashed.event).underruns,
        (hashed.event).overruns,
        (hashed.event).phrase_id,
        (hashed.event).phrase_text,
        (hashed.event).reason_code,
        (hashed.event).capture_degraded,
        (hashed.event).aec_unstable,
        (hashed.event).device_changed,
        (hashed.event).stream_gap_detected,
        (hashed.event).tts_playback_active,
        hashed.row_hash
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

advanced AS (
    UPDATE os_core.audio_runtime_heads AS head
    SET event_id = newest.event_id, row_hash = newest.row_hash
    FROM (
        SELECT DISTINCT ON (inserted.tenant_id, inserted.device_id)
            inserted.tenant_id,
            inserted.device_id,
            inserted.event_id,
            inserted.row_hash
        FROM inserted
        ORDER BY inserted.tenant_id ASC, inserted.device_id ASC, inserted.event_id DESC
    ) AS newest
    WHERE head.tenant_id = newest.tenant_id AND head.device_id = newest.device_id
)

SELECT
    ranked.position,
    CASE
        WHEN ranked.verdict IS NOT NULL THEN ranked.verdict
        WHEN inserted.event_id IS NULL THEN NULL
        WHEN ranked.is_new THEN 'committed'
        ELSE 'duplicate'
    END AS outcome,
    coalesce(inserted.event_id, (ranked.stored).event_id) AS event_id,
    coalesce(
        audited.audit_event_id,
        (
            SELECT audit_event_id FROM audit.audit_events
            WHERE source_event_id = (ranked.stored).event_id
        )
    ) AS audit_event_id,
    encode(coalesce(inserted.row_hash, (ranked.stored).row_hash), 'hex') AS row_hash,
    array(
        SELECT field.name
        FROM jsonb_each(to_jsonb(ranked.event)) AS field (name, value)
        WHERE
            (ranked.verdict = 'duplicate' OR (ranked.verdict IS NULL AND NOT ranked.is_new))
            AND field.name NOT IN ('event_id', 'row_hash')
            AND field.value IS DISTINCT FROM
            to_jsonb(coalesce(inserted.event, ranked.stored)) -> field.name
        ORDER BY field.name
    ) AS differs
FROM ranked
LEFT JOIN drawn ON ranked.verdict IS NULL AND ranked.first_position = drawn.position
LEFT JOIN inserted ON drawn.event_id = inserted.event_id
LEFT JOIN audited ON inserted.event_id = audited.source_event_id
ORDER BY ranked.position;
