SET LOCAL lock_timeout = '5s';

COMMENT ON COLUMN agent_runs.agent_name IS NULL;
COMMENT ON COLUMN agent_runs.product IS NULL;
COMMENT ON COLUMN agent_runs.product_family IS NULL;
COMMENT ON COLUMN agent_runs.platform IS NULL;
COMMENT ON COLUMN agent_runs.website IS NULL;
COMMENT ON COLUMN agent_runs.subdomain IS NULL;
COMMENT ON COLUMN agent_runs.website_section IS NULL;
COMMENT ON COLUMN agent_runs.item_name IS NULL;
COMMENT ON COLUMN agent_runs.git_commit_hash IS NULL;
COMMENT ON COLUMN agent_runs.git_commit_author IS NULL;
COMMENT ON COLUMN agent_runs.git_commit_timestamp IS NULL;
COMMENT ON COLUMN agent_runs.input_summary IS NULL;
COMMENT ON COLUMN agent_runs.output_summary IS NULL;
COMMENT ON COLUMN agent_runs.error_summary IS NULL;
COMMENT ON COLUMN agent_runs.host IS NULL;
COMMENT ON COLUMN agent_runs.environment IS NULL;

COMMENT ON COLUMN os_core.devices.device_id IS NULL;
COMMENT ON COLUMN os_core.devices.tenant_id IS NULL;
COMMENT ON COLUMN os_core.devices.created_at IS NULL;

COMMENT ON COLUMN os_core.sessions.session_id IS NULL;
COMMENT ON COLUMN os_core.sessions.tenant_id IS NULL;
COMMENT ON COLUMN os_core.sessions.created_at IS NULL;

COMMENT ON COLUMN os_core.audio_runtime_events.tenant_id IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.device_id IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.selected_mic IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.selected_speaker IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.device_health IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.underruns IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.overruns IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.phrase_id IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.phrase_text IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.capture_degraded IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.aec_unstable IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.device_changed IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.stream_gap_detected IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_events.tts_playback_active IS NULL;

COMMENT ON COLUMN os_core.audio_runtime_current.pre_roll_buffer_id IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.selected_mic IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.selected_speaker IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.device_health IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.underruns IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.overruns IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_phrase_id IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_phrase_text IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_reason_code IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.capture_degraded IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.aec_unstable IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.device_changed IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.stream_gap_detected IS NULL;
COMMENT ON COLUMN os_core.audio_runtime_current.tts_playback_active IS NULL;

COMMENT ON INDEX migration_checksums_pkey IS NULL;
COMMENT ON INDEX rate_limit_clients_pkey IS NULL;
COMMENT ON INDEX agent_runs_pkey IS NULL;
COMMENT ON INDEX agent_run_counts_pkey IS NULL;
COMMENT ON INDEX runtime_events_pkey IS NULL;
COMMENT ON INDEX os_core.devices_pkey IS NULL;
COMMENT ON INDEX os_core.devices_tenant_device_key IS NULL;
COMMENT ON INDEX os_core.sessions_pkey IS NULL;
COMMENT ON INDEX os_core.sessions_tenant_session_key IS NULL;
COMMENT ON INDEX os_core.audio_runtime_events_pkey IS NULL;
COMMENT ON INDEX os_core.audio_runtime_heads_pkey IS NULL;
COMMENT ON INDEX os_core.audio_runtime_current_pkey IS NULL;
COMMENT ON INDEX audit.audit_events_pkey IS NULL;

COMMENT ON TABLE _yoyo_migration IS NULL;
COMMENT ON TABLE _yoyo_log IS NULL;
COMMENT ON TABLE _yoyo_version IS NULL;
COMMENT ON TABLE yoyo_lock IS NULL;
