-- Comments for DBAs: on the columns whose name does not say enough, on the indexes of primary keys
-- and unique constraints, and on the tables of the library that applies migrations.
-- A comment waits for VACUUM and for other changes of the table's definition, never for writers.
-- depends: 0002_rate_limit_clients 0004_runs_counts 0005_runtime_events_table
-- depends: 0011_audio_runtime_projection 0012_audit_events

SET LOCAL lock_timeout = '5s';

COMMENT ON COLUMN agent_runs.agent_name IS
'The program that did the work; /metrics counts runs by it';
COMMENT ON COLUMN agent_runs.product IS 'What the run worked for, in the agent''s words';
COMMENT ON COLUMN agent_runs.product_family IS 'The group of products that the product belongs to';
COMMENT ON COLUMN agent_runs.platform IS 'The platform of the product, in the agent''s words';
COMMENT ON COLUMN agent_runs.website IS 'Host name of the website that the run worked on';
COMMENT ON COLUMN agent_runs.subdomain IS 'Part of that host name, such as docs';
COMMENT ON COLUMN agent_runs.website_section IS 'Part of that website, such as docs or blog';
COMMENT ON COLUMN agent_runs.item_name IS
'The one thing that the run worked on, such as a file or a page';
COMMENT ON COLUMN agent_runs.git_commit_hash IS
'The commit that the run produced, in full or cut; the create or associate-commit sends it';
COMMENT ON COLUMN agent_runs.git_commit_author IS 'Author of that commit, in the agent''s words';
COMMENT ON COLUMN agent_runs.git_commit_timestamp IS 'When that commit was made';
COMMENT ON COLUMN agent_runs.input_summary IS 'What the run was given, for people to read';
COMMENT ON COLUMN agent_runs.output_summary IS 'What the run produced, for people to read';
COMMENT ON COLUMN agent_runs.error_summary IS
'What went wrong, in a line; error_details has the rest';
COMMENT ON COLUMN agent_runs.host IS 'The machine that the run ran on, in the agent''s words';
COMMENT ON COLUMN agent_runs.environment IS
'The deployment that the run ran in, such as production, in the agent''s words';

COMMENT ON COLUMN os_core.devices.device_id IS 'Chosen by the client; unique over all tenants';
COMMENT ON COLUMN os_core.devices.tenant_id IS
'The tenant that the device belongs to; never changes';
COMMENT ON COLUMN os_core.devices.created_at IS
'When the device was bound to its tenant, by this database''s clock';

COMMENT ON COLUMN os_core.sessions.session_id IS 'Chosen by the client; unique over all tenants';
COMMENT ON COLUMN os_core.sessions.tenant_id IS
'The tenant that the session belongs to; never changes';
COMMENT ON COLUMN os_core.sessions.created_at IS
'When the session was opened, by this database''s clock';

COMMENT ON COLUMN os_core.audio_runtime_events.tenant_id IS
'The tenant of the device; part of every foreign key, so that no row refers to another tenant';
COMMENT ON COLUMN os_core.audio_runtime_events.device_id IS
'The device that observed the event; events of one device form a chain';
COMMENT ON COLUMN os_core.audio_runtime_events.selected_mic IS
'The microphone in use, as the device names it';
COMMENT ON COLUMN os_core.audio_runtime_events.selected_speaker IS
'The loudspeaker in use, as the device names it';
COMMENT ON COLUMN os_core.audio_runtime_events.device_health IS
'HEALTHY, DEGRADED or FAILED; the audit row of the last two is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.underruns IS
'How many times a buffer ran empty, as the device counts';
COMMENT ON COLUMN os_core.audio_runtime_events.overruns IS
'How many times a buffer was full, as the device counts';
COMMENT ON COLUMN os_core.audio_runtime_events.phrase_id IS
'The phrase that may be an interruption, in the device''s numbering';
COMMENT ON COLUMN os_core.audio_runtime_events.phrase_text IS 'The words of that phrase';
COMMENT ON COLUMN os_core.audio_runtime_events.capture_degraded IS
'Whether the microphone signal is worse than usual';
COMMENT ON COLUMN os_core.audio_runtime_events.aec_unstable IS
'Whether the acoustic echo cancellation is unstable; if so, the audit row is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.device_changed IS
'Whether the microphone or loudspeaker was replaced; if so, the audit row is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.stream_gap_detected IS
'Whether a part of the stream is missing; if so, the audit row is a WARN';
COMMENT ON COLUMN os_core.audio_runtime_events.tts_playback_active IS
'Whether the device plays synthesised speech';

COMMENT ON COLUMN os_core.audio_runtime_current.pre_roll_buffer_id IS
'Of the latest STREAM_REFS event';
COMMENT ON COLUMN os_core.audio_runtime_current.selected_mic IS 'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.selected_speaker IS
'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.device_health IS
'Of the latest DEVICE_STATE event; NULL before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.underruns IS
'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN os_core.audio_runtime_current.overruns IS
'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_phrase_id IS
'phrase_id of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_phrase_text IS
'phrase_text of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.last_interrupt_reason_code IS
'reason_code of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN os_core.audio_runtime_current.capture_degraded IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.aec_unstable IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.device_changed IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.stream_gap_detected IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN os_core.audio_runtime_current.tts_playback_active IS
'Of the latest TTS_PLAYBACK_ACTIVE event; false before the first';

COMMENT ON INDEX migration_checksums_pkey IS
'sql/migrations/record_checksum.sql and sql/migrations/applied.sql';
COMMENT ON INDEX rate_limit_clients_pkey IS 'sql/rate_limit/hit.sql: the row of a client';
COMMENT ON INDEX agent_runs_pkey IS
'The same event_id is the same run: sql/runs/create.sql; one run: sql/runs/get.sql';
COMMENT ON INDEX agent_run_counts_pkey IS
'sql/runs/metrics.sql: the totals, and the buckets of the last day';
COMMENT ON INDEX runtime_events_pkey IS
'The same id is the same event: sql/runtime_events/create.sql; one event: '
'sql/runtime_events/get.sql';
COMMENT ON INDEX os_core.devices_pkey IS
'sql/audio_runtime/put_device.sql and sql/audio_runtime/append.sql: a device of any tenant';
COMMENT ON INDEX os_core.devices_tenant_device_key IS
'sql/audio_runtime/get_device.sql and sql/audio_runtime/list_devices.sql: the devices of a tenant';
COMMENT ON INDEX os_core.sessions_pkey IS
'sql/audio_runtime/put_session.sql and sql/audio_runtime/append.sql: a session of any tenant';
COMMENT ON INDEX os_core.sessions_tenant_session_key IS
'audio_runtime_events_session_fkey and audio_runtime_current_session_fkey';
COMMENT ON INDEX os_core.audio_runtime_events_pkey IS
'event_id is unique over all tenants; statements use the indexes that begin with tenant_id';
COMMENT ON INDEX os_core.audio_runtime_heads_pkey IS
'sql/audio_runtime/lock_heads.sql and sql/audio_runtime/list_heads.sql';
COMMENT ON INDEX os_core.audio_runtime_current_pkey IS
'sql/audio_runtime/get_current.sql and sql/audio_runtime/list_current.sql';
COMMENT ON INDEX audit.audit_events_pkey IS
'audit_event_id is unique over all tenants; statements use the indexes that begin with tenant_id';

COMMENT ON TABLE _yoyo_migration IS 'Of the library yoyo: the migrations that are applied';
COMMENT ON TABLE _yoyo_log IS
'Of the library yoyo: who applied or rolled back which migration, and when';
COMMENT ON TABLE _yoyo_version IS 'Of the library yoyo: the version of its own tables';
COMMENT ON TABLE yoyo_lock IS
'Of the library yoyo: not used; sql/migrations/try_lock.sql keeps migrators apart';
