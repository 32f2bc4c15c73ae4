"""Fills the audio runtime ledger with millions of events in SQL, with chains, heads and audit rows.

Events of all kinds come from all devices in turn, as they do in production, so the history of a
device is scattered over the whole table. The projection stays empty until a rebuild.
"""

import psycopg

DEVICES = 1_000

# Rows per statement, few enough to be sorted in memory.
PART = 250_000

# A session with the role of a replica skips triggers and foreign keys; these rows satisfy them.
SET_UP = """
    SET synchronous_commit = off;
    SET work_mem = '512MB';
    SET session_replication_role = replica;
"""

DEVICES_AND_SESSIONS = f"""
    INSERT INTO os_core.devices (device_id, tenant_id)
    SELECT 'device-' || n, 'tenant-' || n / 50 FROM generate_series(0, {DEVICES - 1}) AS n;
    INSERT INTO os_core.sessions (session_id, tenant_id, device_id)
    SELECT n, 'tenant-' || n / 50, 'device-' || n FROM generate_series(0, {DEVICES - 1}) AS n;
    INSERT INTO os_core.audio_runtime_heads (tenant_id, device_id)
    SELECT tenant_id, device_id FROM os_core.devices;
"""

# An event has only the fields of its kind. Some values repeat, like settings; ids never do.
EVENTS = f"""
    INSERT INTO os_core.audio_runtime_events (
        event_id, tenant_id, device_id, session_id, event_kind, created_at, idempotency_key,
        processed_stream_id, raw_stream_id, pre_roll_buffer_id, selected_mic, selected_speaker,
        device_health, jitter_ms, drift_ppm, buffer_depth_ms, underruns, overruns, phrase_id,
        phrase_text, reason_code, capture_degraded, aec_unstable, device_changed,
        stream_gap_detected, tts_playback_active, row_hash
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        made.event_id, made.tenant_id, made.device_id, made.session_id, made.event_kind,
        made.created_at, made.idempotency_key, made.processed_stream_id, made.raw_stream_id,
        made.pre_roll_buffer_id, made.selected_mic, made.selected_speaker, made.device_health,
        made.jitter_ms, made.drift_ppm, made.buffer_depth_ms, made.underruns, made.overruns,
        made.phrase_id, made.phrase_text, made.reason_code, made.capture_degraded,
        made.aec_unstable, made.device_changed, made.stream_gap_detected,
        made.tts_playback_active,
        os_core.chain(head.row_hash, os_core.audio_runtime_event_content(made)) OVER (
            PARTITION BY made.tenant_id, made.device_id
            ORDER BY made.event_id
            ROWS UNBOUNDED PRECEDING
        )
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
    CROSS JOIN LATERAL (SELECT n %% {DEVICES} AS device, n / {DEVICES} %% 7 AS kind) AS turn
    CROSS JOIN LATERAL jsonb_populate_record(
        NULL::os_core.audio_runtime_events,
        jsonb_build_object(
            'event_id', n,
            'tenant_id', 'tenant-' || device / 50,
            'device_id', 'device-' || device,
            'created_at', 1700000000000000000 + n * 1000000,
            'idempotency_key', 'key-' || n,
            'session_id', CASE WHEN n %% 3 = 0 THEN device END
        )
        || CASE kind
            WHEN 0 THEN jsonb_build_object(
                'event_kind', 'STREAM_REFS', 'processed_stream_id', 'processed-' || n,
                'raw_stream_id', 'raw-' || n, 'pre_roll_buffer_id', n)
            WHEN 1 THEN jsonb_build_object(
                'event_kind', 'VAD_EVENT', 'processed_stream_id', 'processed-' || n)
            WHEN 2 THEN jsonb_build_object(
                'event_kind', 'DEVICE_STATE', 'selected_mic', 'mic-array-front',
                'selected_speaker', 'speaker-left', 'device_health',
                (ARRAY['HEALTHY', 'DEGRADED', 'HEALTHY', 'FAILED', 'HEALTHY'])[1 + n %% 5])
            WHEN 3 THEN jsonb_build_object(
                'event_kind', 'TIMING_STATS', 'jitter_ms', n %% 1000 / 8.0, 'drift_ppm', -0.125,
                'buffer_depth_ms', 40.5, 'underruns', n %% 5, 'overruns', 0)
            WHEN 4 THEN jsonb_build_object(
                'event_kind', 'INTERRUPT_CANDIDATE', 'phrase_id', n %% 50,
                'phrase_text', 'stop the music', 'reason_code', 7)
            WHEN 5 THEN jsonb_build_object(
                'event_kind', 'DEGRADATION_FLAGS', 'capture_degraded', n %% 2 = 0,
                'aec_unstable', n %% 11 = 0, 'device_changed', FALSE,
                'stream_gap_detected', n %% 13 = 0)
            ELSE jsonb_build_object(
                'event_kind', 'TTS_PLAYBACK_ACTIVE', 'tts_playback_active', n %% 2 = 0)
        END
    ) AS made
    INNER JOIN os_core.audio_runtime_heads AS head
        ON made.tenant_id = head.tenant_id AND made.device_id = head.device_id
    ORDER BY made.event_id
"""

AUDIT_ROWS = """
    INSERT INTO audit.audit_events (
        tenant_id, device_id, engine, event_type, reason_codes, severity, source_event_id,
        payload_min
    )
    SELECT
        event.tenant_id, event.device_id, 'PH1.K', audit_row.event_type, audit_row.reason_codes,
        audit_row.severity, event.event_id, audit_row.payload_min
    FROM os_core.audio_runtime_events AS event
    CROSS JOIN LATERAL audit.audio_runtime_row(event) AS audit_row
    WHERE event.event_id BETWEEN %(first)s AND %(last)s
    ORDER BY event.event_id
"""

HEADS = """
    UPDATE os_core.audio_runtime_heads AS head
    SET event_id = newest.event_id, row_hash = newest.row_hash
    FROM (
        SELECT DISTINCT ON (tenant_id, device_id) tenant_id, device_id, event_id, row_hash
        FROM os_core.audio_runtime_events
        WHERE event_id BETWEEN %(first)s AND %(last)s
        ORDER BY tenant_id, device_id, event_id DESC
    ) AS newest
    WHERE head.tenant_id = newest.tenant_id AND head.device_id = newest.device_id
"""


SEQUENCE = "SELECT setval('os_core.audio_runtime_events_event_id_seq', %(last)s)"


def fill(url: str, old: int, rows: int) -> None:
    """Add events with audit rows and heads until there are ``rows``; ``old`` exist already."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SET_UP)
        if not old:
            connection.execute(DEVICES_AND_SESSIONS)
        for first in range(old + 1, rows + 1, PART):
            part = {"first": first, "last": min(first + PART - 1, rows)}
            for statement in (EVENTS, AUDIT_ROWS, HEADS):
                connection.execute(statement, part)
        connection.execute(SEQUENCE, {"last": rows})
