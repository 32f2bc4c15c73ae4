-- The audit trail: for each event of a ledger one row, with only the fields that an auditor needs.
-- It is append-only.
-- depends: 0006_shared_refuse_change 0009_audio_runtime_ledger

SET LOCAL lock_timeout = '5s';

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'What auditors read';

CREATE TABLE audit.audit_events (
    audit_event_id bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    engine text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    reason_codes text[] NOT NULL,
    severity text COLLATE "C" NOT NULL,
    source_event_id bigint NOT NULL,
    payload_min jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_events_pkey PRIMARY KEY (audit_event_id),
    CONSTRAINT audit_events_source_event_fkey
    FOREIGN KEY (tenant_id, device_id, source_event_id)
    REFERENCES os_core.audio_runtime_events (tenant_id, device_id, event_id),
    CONSTRAINT audit_events_engine_check CHECK (engine = 'PH1.K'),
    CONSTRAINT audit_events_event_type_check CHECK (
        event_type IN (
            'K_STREAM_REFS_COMMIT',
            'K_VAD_EVENT_MARKER_COMMIT',
            'K_DEVICE_STATE_COMMIT',
            'K_TIMING_STATS_COMMIT',
            'K_INTERRUPT_CANDIDATE_COMMIT',
            'K_DEGRADATION_FLAGS_COMMIT',
            'K_TTS_PLAYBACK_ACTIVE_COMMIT'
        )
    ),
    CONSTRAINT audit_events_reason_codes_check CHECK (
        reason_codes <@ ARRAY[
            'K_INTERRUPT_CANDIDATE_EMITTED',
            'K_STREAM_GAP_DETECTED',
            'K_AEC_UNSTABLE',
            'K_DEVICE_FAILOVER',
            'K_DEVICE_UNHEALTHY'
        ]
    ),
    CONSTRAINT audit_events_severity_check CHECK (
        severity = CASE
            WHEN
                reason_codes && ARRAY[
                    'K_STREAM_GAP_DETECTED',
                    'K_AEC_UNSTABLE',
                    'K_DEVICE_FAILOVER',
                    'K_DEVICE_UNHEALTHY'
                ]
                THEN 'WARN'
            ELSE 'INFO'
        END
    ),
    -- The allowlist: auditors see these fields of an event and no others.
    CONSTRAINT audit_events_payload_min_check CHECK (
        jsonb_typeof(payload_min) = 'object'
        AND payload_min - ARRAY[
            'tenant_id',
            'device_id',
            'session_id',
            'event_kind',
            'processed_stream_id',
            'pre_roll_buffer_id',
            'device_health',
            'tts_playback_active',
            'interrupt_phrase_id',
            'interrupt_phrase_text',
            'degradation_flags'
        ] = '{}'
    ),
    CONSTRAINT audit_events_payload_min_scalars_check CHECK (
        NOT jsonb_path_exists(
            payload_min - 'degradation_flags',
            '$.* ? (@.type() == "object" || @.type() == "array")'
        )
    ),
    CONSTRAINT audit_events_payload_min_scope_check CHECK (
        payload_min @> jsonb_build_object('tenant_id', tenant_id, 'device_id', device_id)
    ),
    CONSTRAINT audit_events_degradation_flags_check CHECK (
        NOT payload_min ? 'degradation_flags'
        OR (
            jsonb_typeof(payload_min -> 'degradation_flags') = 'object'
            AND (payload_min -> 'degradation_flags') - ARRAY[
                'capture_degraded',
                'aec_unstable',
                'device_changed',
                'stream_gap_detected'
            ] = '{}'
            AND jsonb_typeof(payload_min #> '{degradation_flags,capture_degraded}') = 'boolean'
            AND jsonb_typeof(payload_min #> '{degradation_flags,aec_unstable}') = 'boolean'
            AND jsonb_typeof(payload_min #> '{degradation_flags,device_changed}') = 'boolean'
            AND jsonb_typeof(payload_min #> '{degradation_flags,stream_gap_detected}') = 'boolean'
        ) IS TRUE
    )
);

COMMENT ON TABLE audit.audit_events IS
'Append-only audit trail: one row per event of a ledger, written in the same transaction';
COMMENT ON COLUMN audit.audit_events.audit_event_id IS
'In commit order within a device, like source_event_id';
COMMENT ON COLUMN audit.audit_events.engine IS 'The engine of the ledger: PH1.K, the audio runtime';
COMMENT ON COLUMN audit.audit_events.event_type IS 'What was committed';
COMMENT ON COLUMN audit.audit_events.reason_codes IS
'Why an auditor may want to look, in the order of audit_events_reason_codes_check; often empty';
COMMENT ON COLUMN audit.audit_events.severity IS
'WARN when reason_codes has any but K_INTERRUPT_CANDIDATE_EMITTED, else INFO';
COMMENT ON COLUMN audit.audit_events.source_event_id IS 'event_id of the ledger event';
COMMENT ON COLUMN audit.audit_events.payload_min IS
'The fields of the event that auditors may see; a field without a value is left out';
COMMENT ON COLUMN audit.audit_events.recorded_at IS
'When the transaction began, by this database''s clock; no hash covers it';

CREATE INDEX ix_audit_events_tenant ON audit.audit_events (tenant_id, audit_event_id);
COMMENT ON INDEX audit.ix_audit_events_tenant IS 'sql/audit/list.sql';

CREATE INDEX ix_audit_events_tenant_device
ON audit.audit_events (tenant_id, device_id, audit_event_id);
COMMENT ON INDEX audit.ix_audit_events_tenant_device IS 'sql/audit/list_device.sql';

-- Makes source_event_id unique too: event_id alone is the key of the ledger, so by the foreign key
-- two rows with the same source_event_id also have the same tenant and device.
CREATE UNIQUE INDEX ux_audit_events_source
ON audit.audit_events (tenant_id, device_id, source_event_id);
COMMENT ON INDEX audit.ux_audit_events_source IS
'One row per event; sql/audio_runtime/verify_events.sql, which reads it side by side with the '
'ledger';

CREATE TRIGGER refuse_change
BEFORE UPDATE OR DELETE ON audit.audit_events
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_truncate
BEFORE TRUNCATE ON audit.audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ALWAYS: they also fire under session_replication_role = replica.
ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_change;

ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_truncate;
