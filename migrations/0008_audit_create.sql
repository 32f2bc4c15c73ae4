-- The audit trail: what of the ledgers an auditor needs to see and no more, append-only.
-- depends: 0005_shared_refuse_change 0007_audio_runtime_events

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
    CONSTRAINT audit_events_source_event_id_key UNIQUE (source_event_id),
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
    -- The allowlist: nothing else that a device says may reach the auditors.
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
'Append-only audit trail: one row for each event of a ledger, written in its transaction';
COMMENT ON COLUMN audit.audit_events.audit_event_id IS
'In commit order within a device, like the event that it stands for';
COMMENT ON COLUMN audit.audit_events.engine IS 'Whose ledger: PH1.K, the audio runtime';
COMMENT ON COLUMN audit.audit_events.event_type IS 'What was committed';
COMMENT ON COLUMN audit.audit_events.reason_codes IS
'What an auditor may look for, in the order of audit_events_reason_codes_check; often empty';
COMMENT ON COLUMN audit.audit_events.severity IS
'WARN when a reason is more than an interrupt candidate, else INFO';
COMMENT ON COLUMN audit.audit_events.source_event_id IS
'The event of the ledger that the row stands for';
COMMENT ON COLUMN audit.audit_events.payload_min IS
'The few fields that may be shown; those without a value are left out';
COMMENT ON COLUMN audit.audit_events.recorded_at IS
'When the transaction began, by the database''s clock; no part of any proof';

CREATE INDEX ix_audit_events_tenant ON audit.audit_events (tenant_id, audit_event_id);
COMMENT ON INDEX audit.ix_audit_events_tenant IS 'sql/audit/query.sql';

CREATE INDEX ix_audit_events_tenant_device
ON audit.audit_events (tenant_id, device_id, audit_event_id);
COMMENT ON INDEX audit.ix_audit_events_tenant_device IS 'sql/audit/query.sql of one device';

CREATE UNIQUE INDEX ux_audit_events_source
ON audit.audit_events (tenant_id, device_id, source_event_id);
COMMENT ON INDEX audit.ux_audit_events_source IS
'sql/audio_runtime/verify_audit.sql, side by side with the ledger';

CREATE TRIGGER refuse_change
BEFORE UPDATE OR DELETE ON audit.audit_events
FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_change;

CREATE TRIGGER refuse_truncate
BEFORE TRUNCATE ON audit.audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_truncate;

CREATE FUNCTION audit.audio_runtime_row(event os_core.audio_runtime_events)
RETURNS TABLE (event_type text, reason_codes text[], severity text, payload_min jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
SELECT
    'K_' || CASE event.event_kind
        WHEN 'VAD_EVENT' THEN 'VAD_EVENT_MARKER'
        ELSE event.event_kind
    END || '_COMMIT',
    reasons.routine || reasons.alarming,
    CASE WHEN cardinality(reasons.alarming) > 0 THEN 'WARN' ELSE 'INFO' END,
    jsonb_strip_nulls(
        jsonb_build_object(
            'tenant_id', event.tenant_id,
            'device_id', event.device_id,
            'session_id', event.session_id,
            'event_kind', event.event_kind,
            'processed_stream_id', event.processed_stream_id,
            'pre_roll_buffer_id', event.pre_roll_buffer_id,
            'device_health', event.device_health,
            'tts_playback_active', event.tts_playback_active,
            'interrupt_phrase_id', event.phrase_id,
            'interrupt_phrase_text', event.phrase_text,
            'degradation_flags', CASE
                WHEN event.event_kind = 'DEGRADATION_FLAGS'
                    THEN jsonb_build_object(
                        'capture_degraded', event.capture_degraded,
                        'aec_unstable', event.aec_unstable,
                        'device_changed', event.device_changed,
                        'stream_gap_detected', event.stream_gap_detected
                    )
            END
        )
    )
FROM (
    SELECT
        CASE
            WHEN event.event_kind = 'INTERRUPT_CANDIDATE'
                THEN ARRAY['K_INTERRUPT_CANDIDATE_EMITTED']
            ELSE '{}'::text[]
        END AS routine,
        array_remove(
            ARRAY[
                CASE WHEN event.stream_gap_detected THEN 'K_STREAM_GAP_DETECTED' END,
                CASE WHEN event.aec_unstable THEN 'K_AEC_UNSTABLE' END,
                CASE WHEN event.device_changed THEN 'K_DEVICE_FAILOVER' END,
                CASE WHEN event.device_health <> 'HEALTHY' THEN 'K_DEVICE_UNHEALTHY' END
            ],
            NULL
        ) AS alarming
) AS reasons;
$$;

COMMENT ON FUNCTION audit.audio_runtime_row(os_core.audio_runtime_events) IS
'What the audit row of a ledger row says: appending writes it, verifying compares with it';
