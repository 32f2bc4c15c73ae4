-- The ledger of what voice devices observed. It is append-only and chained: each row carries the
-- SHA-256 of the row before it in the same device and of its own content.
-- depends: 0006_shared_refuse_change 0007_audio_runtime_devices

SET LOCAL lock_timeout = '5s';

CREATE TABLE os_core.audio_runtime_events (
    event_id bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    session_id bigint,
    event_kind text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    processed_stream_id text,
    raw_stream_id text,
    pre_roll_buffer_id bigint,
    selected_mic text,
    selected_speaker text,
    device_health text,
    jitter_ms double precision,
    drift_ppm double precision,
    buffer_depth_ms double precision,
    underruns bigint,
    overruns bigint,
    phrase_id bigint,
    phrase_text text,
    reason_code bigint,
    capture_degraded boolean,
    aec_unstable boolean,
    device_changed boolean,
    stream_gap_detected boolean,
    tts_playback_active boolean,
    row_hash bytea NOT NULL,
    CONSTRAINT audio_runtime_events_pkey PRIMARY KEY (event_id),
    -- Both foreign keys include the tenant, so no row refers to a device or session of another one.
    CONSTRAINT audio_runtime_events_device_fkey
    FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id),
    CONSTRAINT audio_runtime_events_session_fkey
    FOREIGN KEY (tenant_id, session_id) REFERENCES os_core.sessions (tenant_id, session_id),
    -- A row has the fields of its kind and none of another kind.
    CONSTRAINT audio_runtime_events_event_kind_check CHECK (
        event_kind IN (
            'STREAM_REFS',
            'VAD_EVENT',
            'DEVICE_STATE',
            'TIMING_STATS',
            'INTERRUPT_CANDIDATE',
            'DEGRADATION_FLAGS',
            'TTS_PLAYBACK_ACTIVE'
        )
    ),
    CONSTRAINT audio_runtime_events_stream_refs_fields_check CHECK (
        CASE
            WHEN event_kind = 'STREAM_REFS' THEN pre_roll_buffer_id IS NOT NULL
            ELSE num_nonnulls(pre_roll_buffer_id, raw_stream_id) = 0
        END
    ),
    CONSTRAINT audio_runtime_events_processed_stream_field_check CHECK (
        (processed_stream_id IS NOT NULL) = (event_kind IN ('STREAM_REFS', 'VAD_EVENT'))
    ),
    CONSTRAINT audio_runtime_events_device_state_fields_check CHECK (
        num_nonnulls(selected_mic, selected_speaker, device_health)
        = CASE event_kind WHEN 'DEVICE_STATE' THEN 3 ELSE 0 END
    ),
    CONSTRAINT audio_runtime_events_timing_stats_fields_check CHECK (
        num_nonnulls(jitter_ms, drift_ppm, buffer_depth_ms, underruns, overruns)
        = CASE event_kind WHEN 'TIMING_STATS' THEN 5 ELSE 0 END
    ),
    CONSTRAINT audio_runtime_events_interrupt_fields_check CHECK (
        num_nonnulls(phrase_id, phrase_text, reason_code)
        = CASE event_kind WHEN 'INTERRUPT_CANDIDATE' THEN 3 ELSE 0 END
    ),
    CONSTRAINT audio_runtime_events_degradation_fields_check CHECK (
        num_nonnulls(capture_degraded, aec_unstable, device_changed, stream_gap_detected)
        = CASE event_kind WHEN 'DEGRADATION_FLAGS' THEN 4 ELSE 0 END
    ),
    CONSTRAINT audio_runtime_events_tts_field_check CHECK (
        (tts_playback_active IS NOT NULL) = (event_kind = 'TTS_PLAYBACK_ACTIVE')
    ),
    -- The values that a field may have. NULL passes: the checks above decide where it may be.
    CONSTRAINT audio_runtime_events_event_id_check CHECK (event_id > 0),
    CONSTRAINT audio_runtime_events_session_id_check CHECK (session_id >= 0),
    CONSTRAINT audio_runtime_events_created_at_check CHECK (created_at >= 0),
    CONSTRAINT audio_runtime_events_idempotency_key_check
    CHECK (length(idempotency_key) BETWEEN 1 AND 128),
    CONSTRAINT audio_runtime_events_processed_stream_id_check
    CHECK (length(processed_stream_id) BETWEEN 1 AND 64),
    CONSTRAINT audio_runtime_events_raw_stream_id_check
    CHECK (length(raw_stream_id) BETWEEN 1 AND 64),
    CONSTRAINT audio_runtime_events_pre_roll_buffer_id_check CHECK (pre_roll_buffer_id >= 0),
    CONSTRAINT audio_runtime_events_selected_mic_check
    CHECK (length(selected_mic) BETWEEN 1 AND 255),
    CONSTRAINT audio_runtime_events_selected_speaker_check
    CHECK (length(selected_speaker) BETWEEN 1 AND 255),
    CONSTRAINT audio_runtime_events_device_health_check
    CHECK (device_health IN ('HEALTHY', 'DEGRADED', 'FAILED')),
    -- PostgreSQL sorts NaN above Infinity, so these checks refuse both.
    CONSTRAINT audio_runtime_events_jitter_ms_check
    CHECK (jitter_ms >= 0 AND jitter_ms < 'Infinity'),
    CONSTRAINT audio_runtime_events_drift_ppm_check
    CHECK (drift_ppm > '-Infinity' AND drift_ppm < 'Infinity'),
    CONSTRAINT audio_runtime_events_buffer_depth_ms_check
    CHECK (buffer_depth_ms >= 0 AND buffer_depth_ms < 'Infinity'),
    CONSTRAINT audio_runtime_events_underruns_check CHECK (underruns >= 0),
    CONSTRAINT audio_runtime_events_overruns_check CHECK (overruns >= 0),
    CONSTRAINT audio_runtime_events_phrase_id_check CHECK (phrase_id >= 0),
    CONSTRAINT audio_runtime_events_phrase_text_check
    CHECK (length(phrase_text) BETWEEN 1 AND 128),
    CONSTRAINT audio_runtime_events_reason_code_check CHECK (reason_code >= 0),
    CONSTRAINT audio_runtime_events_row_hash_check CHECK (octet_length(row_hash) = 32)
);

COMMENT ON TABLE os_core.audio_runtime_events IS
'Append-only ledger of engine PH1.K: what voice devices observed, one row per event';
COMMENT ON COLUMN os_core.audio_runtime_events.event_id IS
'In commit order within a device; has gaps, and gives no order across devices';
COMMENT ON COLUMN os_core.audio_runtime_events.session_id IS
'A session of the tenant, on any of its devices; NULL: outside any session';
COMMENT ON COLUMN os_core.audio_runtime_events.event_kind IS
'Decides which of the columns from processed_stream_id to tts_playback_active are set';
COMMENT ON COLUMN os_core.audio_runtime_events.created_at IS
'Nanoseconds since 1970 by the device''s clock, which may jump: order by event_id instead';
COMMENT ON COLUMN os_core.audio_runtime_events.idempotency_key IS
'Chosen by the device; an event with the same key and kind is the same event, sent again';
COMMENT ON COLUMN os_core.audio_runtime_events.processed_stream_id IS
'The stream after echo cancellation; text, because an id may be an integer of up to 128 bits';
COMMENT ON COLUMN os_core.audio_runtime_events.raw_stream_id IS 'The stream as captured';
COMMENT ON COLUMN os_core.audio_runtime_events.pre_roll_buffer_id IS
'The buffer that holds the audio from before the stream began';
COMMENT ON COLUMN os_core.audio_runtime_events.jitter_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_events.drift_ppm IS
'Clock drift in parts per million; can be negative';
COMMENT ON COLUMN os_core.audio_runtime_events.buffer_depth_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_events.reason_code IS
'Why the phrase may be an interruption, in the device''s numbering';
COMMENT ON COLUMN os_core.audio_runtime_events.row_hash IS
'SHA-256 of the previous row_hash of the device (32 zero bytes for the first) and the canonical '
'bytes of this row';

-- The order of these indexes matters: between two that cost the same, as they all do while the
-- table is empty, the planner takes the one created last. So the more specific one comes later.

CREATE INDEX ix_audio_runtime_events_tenant
ON os_core.audio_runtime_events (tenant_id, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant IS
'sql/audio_runtime/list_events.sql: a page of a tenant''s events';

CREATE UNIQUE INDEX ix_audio_runtime_events_tenant_device_time
ON os_core.audio_runtime_events (tenant_id, device_id, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant_device_time IS
'sql/audio_runtime/list_device_events.sql and sql/audio_runtime/verify_events.sql: a device''s '
'events in order. Target of the foreign keys of the heads, the projection and the audit trail';

CREATE INDEX ix_audio_runtime_events_latest_of_kind
ON os_core.audio_runtime_events (tenant_id, device_id, event_kind, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_of_kind IS
'os_core.audio_runtime_replay: the latest event of each kind, without reading the history';

CREATE INDEX ix_audio_runtime_events_latest_session
ON os_core.audio_runtime_events (tenant_id, device_id, event_id)
WHERE session_id IS NOT NULL;
COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_session IS
'os_core.audio_runtime_replay: the latest session of a device';

CREATE UNIQUE INDEX ux_audio_runtime_events_dedupe
ON os_core.audio_runtime_events (tenant_id, device_id, event_kind, idempotency_key);
COMMENT ON INDEX os_core.ux_audio_runtime_events_dedupe IS
'The dedupe key, which makes an event the same as an earlier one: sql/audio_runtime/append.sql';

CREATE TRIGGER refuse_change
BEFORE UPDATE OR DELETE ON os_core.audio_runtime_events
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_truncate
BEFORE TRUNCATE ON os_core.audio_runtime_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ALWAYS: they also fire under session_replication_role = replica.
ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_change;

ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_truncate;
