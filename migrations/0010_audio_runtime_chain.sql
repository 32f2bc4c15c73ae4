-- The hash chain of each device: its links, and its head, the newest link. An append locks the
-- head, builds the new links upon it and stores the last one as the new head.
-- depends: 0008_audio_runtime_canonical 0009_audio_runtime_ledger

SET LOCAL lock_timeout = '5s';

-- Links

CREATE FUNCTION os_core.chain_step(reached bytea, head bytea, content bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(coalesce(reached, head) || content);

COMMENT ON FUNCTION os_core.chain_step(bytea, bytea, bytea) IS
'One link: the SHA-256 of the link before it (of head, for the first) and the content';

CREATE AGGREGATE os_core.chain (head bytea, content bytea)(
    sfunc = os_core.chain_step,
    stype = bytea
);

COMMENT ON AGGREGATE os_core.chain (bytea, bytea) IS
'The link reached after all contents, in the order of the window, when the chain begins at head';

CREATE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, event_id bigint, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.audio_runtime_event_canonical_v1(
    event_id,
    names,
    event.session_id,
    event.event_kind,
    event.created_at,
    event.idempotency_key,
    event.processed_stream_id,
    event.raw_stream_id,
    event.pre_roll_buffer_id,
    event.selected_mic,
    event.selected_speaker,
    event.device_health,
    event.jitter_ms,
    event.drift_ppm,
    event.buffer_depth_ms,
    event.underruns,
    event.overruns,
    event.phrase_id,
    event.phrase_text,
    event.reason_code,
    event.capture_degraded,
    event.aec_unstable,
    event.device_changed,
    event.stream_gap_detected,
    event.tts_playback_active
);

CREATE FUNCTION os_core.audio_runtime_event_content(
    event os_core.audio_runtime_events, names bytea
)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.audio_runtime_event_content(event, event.event_id, names);

CREATE FUNCTION os_core.audio_runtime_event_content(event os_core.audio_runtime_events)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN os_core.audio_runtime_event_content(
    event,
    os_core.canonical_field(event.tenant_id) || os_core.canonical_field(event.device_id)
);

COMMENT ON FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events) IS
'The canonical bytes of a stored row, which its row_hash covers, in the version that applies to it';
COMMENT ON FUNCTION os_core.audio_runtime_event_content(os_core.audio_runtime_events, bytea) IS
'The same as audio_runtime_event_content(event); a caller that goes through the rows of one device '
'computes names once: the canonical_field of tenant_id followed by that of device_id';
COMMENT ON FUNCTION os_core.audio_runtime_event_content(
    os_core.audio_runtime_events, bigint, bytea
) IS
'The canonical bytes of a row that is to be stored with this event_id';

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
-- Every append updates its head, and no indexed column: with free space on the page, the update
-- stays there and touches no index.
WITH (fillfactor = 50);

COMMENT ON TABLE os_core.audio_runtime_heads IS
'The head of each device''s chain; an append locks the row of its device';
COMMENT ON COLUMN os_core.audio_runtime_heads.event_id IS
'The newest event of the device; NULL: no event yet';
COMMENT ON COLUMN os_core.audio_runtime_heads.row_hash IS
'The row_hash of that event; 32 zero bytes when there is no event yet';

CREATE FUNCTION os_core.begin_chain() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- A restore that loads one table after another may have inserted the head already.
    INSERT INTO os_core.audio_runtime_heads (tenant_id, device_id)
    VALUES (new.tenant_id, new.device_id)
    ON CONFLICT (tenant_id, device_id) DO NOTHING;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION os_core.begin_chain() IS
'Trigger of devices: inserts the head of a new device, so that its first append can lock it';

CREATE TRIGGER begin_chain
AFTER INSERT ON os_core.devices
FOR EACH ROW EXECUTE FUNCTION os_core.begin_chain();

CREATE FUNCTION os_core.audio_runtime_collision() RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE serialization_failure USING MESSAGE = 'another writer appended for the same device';
END;
$$;

COMMENT ON FUNCTION os_core.audio_runtime_collision() IS
'Fails the append that calls it, because its head has changed; the append can be run again';
