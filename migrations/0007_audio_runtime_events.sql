-- The ledger of what voice devices observed, append-only and chained: each row carries the
-- SHA-256 of the device's row before it and of its own content.
-- depends: 0005_shared_refuse_change 0006_audio_runtime_devices

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
    -- The tenant is part of both, so that no row crosses from one to another.
    CONSTRAINT audio_runtime_events_device_fkey
    FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id),
    CONSTRAINT audio_runtime_events_session_fkey
    FOREIGN KEY (tenant_id, session_id) REFERENCES os_core.sessions (tenant_id, session_id),
    -- What each kind needs is there, and what belongs to another kind is not.
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
    -- The values that each field takes; NULL passes, as the checks above have spoken of it.
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
    -- Infinity is the second largest double to PostgreSQL, NaN the largest: neither is below it.
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
'Append-only ledger of engine PH1.K: what voice devices observed, one row an event';
COMMENT ON COLUMN os_core.audio_runtime_events.event_id IS
'Handed out in commit order within a device; has gaps, and says nothing across devices';
COMMENT ON COLUMN os_core.audio_runtime_events.session_id IS
'A session of the tenant, on any of its devices; NULL: outside any';
COMMENT ON COLUMN os_core.audio_runtime_events.event_kind IS
'Decides which of the columns from processed_stream_id on are set';
COMMENT ON COLUMN os_core.audio_runtime_events.created_at IS
'Nanoseconds since 1970 by the device''s clock, which may jump: event_id is the order';
COMMENT ON COLUMN os_core.audio_runtime_events.idempotency_key IS
'Chosen by the device; the same key of the same kind is the same event, sent again';
COMMENT ON COLUMN os_core.audio_runtime_events.processed_stream_id IS
'The stream after echo cancellation; an integer of up to 128 bits stands in decimal';
COMMENT ON COLUMN os_core.audio_runtime_events.raw_stream_id IS 'The stream as captured';
COMMENT ON COLUMN os_core.audio_runtime_events.pre_roll_buffer_id IS
'The buffer that holds what was heard before the stream began';
COMMENT ON COLUMN os_core.audio_runtime_events.jitter_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_events.drift_ppm IS
'Clock drift in parts per million, of either sign';
COMMENT ON COLUMN os_core.audio_runtime_events.buffer_depth_ms IS 'Milliseconds';
COMMENT ON COLUMN os_core.audio_runtime_events.reason_code IS
'Why the phrase may be an interruption, in the device''s numbering';
COMMENT ON COLUMN os_core.audio_runtime_events.row_hash IS
'SHA-256 of the row_hash before it in the device (32 zero bytes at first) and its own content';

-- Indexes

-- Their order matters a little: of indexes that look alike, as all do while the table is
-- empty, the planner takes the youngest, so the more special one comes later.

CREATE INDEX ix_audio_runtime_events_tenant
ON os_core.audio_runtime_events (tenant_id, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant IS
'A page of a tenant''s events, whatever the device: sql/audio_runtime/query.sql';

CREATE UNIQUE INDEX ix_audio_runtime_events_tenant_device_time
ON os_core.audio_runtime_events (tenant_id, device_id, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_tenant_device_time IS
'A device''s events in ledger order: reading, verifying; and what other tables refer to';

CREATE INDEX ix_audio_runtime_events_latest_of_kind
ON os_core.audio_runtime_events (tenant_id, device_id, event_kind, event_id);
COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_of_kind IS
'The latest event of each kind, without the history: os_core.audio_runtime_replay';

CREATE INDEX ix_audio_runtime_events_latest_session
ON os_core.audio_runtime_events (tenant_id, device_id, event_id)
WHERE session_id IS NOT NULL;
COMMENT ON INDEX os_core.ix_audio_runtime_events_latest_session IS
'The latest session of a device: os_core.audio_runtime_replay';

CREATE UNIQUE INDEX ux_audio_runtime_events_dedupe
ON os_core.audio_runtime_events (tenant_id, device_id, event_kind, idempotency_key);
COMMENT ON INDEX os_core.ux_audio_runtime_events_dedupe IS
'What makes an event the same as an earlier one: sql/audio_runtime/append.sql';

-- Append-only, for the owner too, and under session_replication_role = replica.

CREATE TRIGGER refuse_change
BEFORE UPDATE OR DELETE ON os_core.audio_runtime_events
FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_change;

CREATE TRIGGER refuse_truncate
BEFORE TRUNCATE ON os_core.audio_runtime_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_truncate;

-- The chain. These bodies are parsed when they are created, so no search_path can lead them
-- elsewhere, and no setting of a session changes the bytes that they give.

CREATE FUNCTION os_core.canonical_field(field bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    coalesce('\x01'::bytea || int4send(octet_length(field)) || field, '\x00'::bytea)
);

COMMENT ON FUNCTION os_core.canonical_field(bytea) IS
'A field such that fields in a row can be told apart: 00 for NULL, else 01, length and bytes';

CREATE FUNCTION os_core.audio_runtime_event_canonical_v1(
    event_id bigint,
    tenant_id text,
    device_id text,
    session_id bigint,
    event_kind text,
    created_at bigint,
    idempotency_key text,
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
    tts_playback_active boolean
) RETURNS bytea
-- STABLE, as convert_to is: PostgreSQL inlines no function that claims more than its parts do,
-- and inlined it is eight times as fast.
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    os_core.canonical_field(int8send(event_id))
    || os_core.canonical_field(convert_to(tenant_id, 'UTF8'))
    || os_core.canonical_field(convert_to(device_id, 'UTF8'))
    || os_core.canonical_field(int8send(session_id))
    || os_core.canonical_field(convert_to(event_kind, 'UTF8'))
    || os_core.canonical_field(int8send(created_at))
    || os_core.canonical_field(convert_to(idempotency_key, 'UTF8'))
    || os_core.canonical_field(convert_to(processed_stream_id, 'UTF8'))
    || os_core.canonical_field(convert_to(raw_stream_id, 'UTF8'))
    || os_core.canonical_field(int8send(pre_roll_buffer_id))
    || os_core.canonical_field(convert_to(selected_mic, 'UTF8'))
    || os_core.canonical_field(convert_to(selected_speaker, 'UTF8'))
    || os_core.canonical_field(convert_to(device_health, 'UTF8'))
    || os_core.canonical_field(float8send(jitter_ms))
    || os_core.canonical_field(float8send(drift_ppm))
    || os_core.canonical_field(float8send(buffer_depth_ms))
    || os_core.canonical_field(int8send(underruns))
    || os_core.canonical_field(int8send(overruns))
    || os_core.canonical_field(int8send(phrase_id))
    || os_core.canonical_field(convert_to(phrase_text, 'UTF8'))
    || os_core.canonical_field(int8send(reason_code))
    || os_core.canonical_field(boolsend(capture_degraded))
    || os_core.canonical_field(boolsend(aec_unstable))
    || os_core.canonical_field(boolsend(device_changed))
    || os_core.canonical_field(boolsend(stream_gap_detected))
    || os_core.canonical_field(boolsend(tts_playback_active))
);

COMMENT ON FUNCTION os_core.audio_runtime_event_canonical_v1 IS
'The bytes of a ledger row that its row_hash covers. Never changed: rows of years ago are '
'checked with it. A column added to the ledger needs a v2 for the rows from then on';

CREATE FUNCTION os_core.chain_step(reached bytea, head bytea, content bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(coalesce(reached, head) || content);

COMMENT ON FUNCTION os_core.chain_step(bytea, bytea, bytea) IS
'One link: the hash of the link before it, or of the head it starts from, and the content';

CREATE AGGREGATE os_core.chain (head bytea, content bytea)(
    sfunc = os_core.chain_step,
    stype = bytea
);

COMMENT ON AGGREGATE os_core.chain (bytea, bytea) IS
'Folds contents, in the order of the window, into the hash chain that goes on from head';

-- Heads

CREATE TABLE os_core.audio_runtime_heads (
    tenant_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    event_id bigint,
    row_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    CONSTRAINT audio_runtime_heads_pkey PRIMARY KEY (tenant_id, device_id),
    CONSTRAINT audio_runtime_heads_device_fkey
    FOREIGN KEY (tenant_id, device_id) REFERENCES os_core.devices (tenant_id, device_id),
    CONSTRAINT audio_runtime_heads_event_fkey
    FOREIGN KEY (tenant_id, device_id, event_id)
    REFERENCES os_core.audio_runtime_events (tenant_id, device_id, event_id),
    CONSTRAINT audio_runtime_heads_row_hash_check CHECK (octet_length(row_hash) = 32)
)
-- Changed by every append, in no indexed column: room on the page keeps the updates there.
WITH (fillfactor = 50);

COMMENT ON TABLE os_core.audio_runtime_heads IS
'The end of each device''s chain; whoever appends for a device has its row locked';
COMMENT ON COLUMN os_core.audio_runtime_heads.event_id IS
'The newest event of the device; NULL: it has none yet';
COMMENT ON COLUMN os_core.audio_runtime_heads.row_hash IS
'That event''s row_hash; 32 zero bytes when there is none';

CREATE FUNCTION os_core.begin_chain() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO os_core.audio_runtime_heads (tenant_id, device_id)
    VALUES (new.tenant_id, new.device_id);
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION os_core.begin_chain() IS
'Trigger of devices: a device is born with the head of its chain, so that appends can lock it';

CREATE TRIGGER begin_chain
AFTER INSERT ON os_core.devices
FOR EACH ROW EXECUTE FUNCTION os_core.begin_chain();
