-- The views of runtime events by hour, and of the current state of devices.
-- The first runs with the rights of its owner, so its readers need none on the table. The second
-- runs with those of its reader, so that row-level security applies.
-- depends: 0011_audio_runtime_projection 0026_runtime_events_weight 0034_shared_view_of_runs

SET LOCAL lock_timeout = '5s';

-- Days and microseconds by themselves: together they would exceed the digits of a double. Without a
-- time zone, so that no change of clocks counts.
CREATE FUNCTION telemetry_views.moment(nanoseconds bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    timestamp '1970-01-01 00:00:00'
    + make_interval(days => (moment.nanoseconds / 86400000000000)::integer)
    + (moment.nanoseconds % 86400000000000 / 1000) * interval '1 microsecond'
) AT TIME ZONE 'UTC';

GRANT EXECUTE ON FUNCTION telemetry_views.moment(bigint) TO public;

COMMENT ON FUNCTION telemetry_views.moment(bigint) IS
'The moment that is so many nanoseconds after 1970, cut to microseconds. Every bigint has one; the '
'largest is in the year 2262';

-- For each hour the events are found by the index on recorded_at: grouped by the hour alone, every
-- query would read the whole table.
CREATE VIEW telemetry_views.runtime_events_by_hour AS
SELECT
    every_hour.hour,
    added.source,
    added.endpoint,
    added.method,
    added.event_count,
    added.error_count,
    added.total_runtime_ms,
    added.average_runtime_ms,
    added.runtime_cost_estimate
FROM
    generate_series(
        (
            SELECT date_trunc('hour', min(oldest.recorded_at), 'UTC')
            FROM runtime_events AS oldest
            WHERE oldest.recorded_at > '-infinity'
        ),
        (
            SELECT max(newest.recorded_at)
            FROM runtime_events AS newest
            WHERE newest.recorded_at < 'infinity'
        ),
        interval '1 hour'
    ) AS every_hour (hour)
CROSS JOIN LATERAL (
    SELECT
        event.source,
        event.endpoint,
        event.method,
        sum(weight.events)::bigint AS event_count,
        coalesce(sum(weight.events) FILTER (WHERE event.status_code >= 500), 0)::bigint
            AS error_count,
        least(sum(weight.total_ms), 1.7976931348623157e308) AS total_runtime_ms,
        sum(weight.total_ms) / sum(weight.events) AS average_runtime_ms,
        round(least(sum(weight.total_cost), 1.7976931348623157e308), 8) AS runtime_cost_estimate
    FROM runtime_events AS event
    CROSS JOIN
        LATERAL runtime_event_weight(
            event.metadata, event.runtime_ms, event.runtime_cost_estimate
        ) AS weight
    WHERE
        event.recorded_at >= every_hour.hour
        AND event.recorded_at < every_hour.hour + interval '1 hour'
    GROUP BY event.source, event.endpoint, event.method
) AS added;

CREATE VIEW telemetry_views.devices AS
SELECT
    device.tenant_id,
    device.device_id,
    device.device_type,
    device.created_at,
    state.session_id,
    state.processed_stream_id,
    state.raw_stream_id,
    state.pre_roll_buffer_id,
    state.selected_mic,
    state.selected_speaker,
    state.device_health,
    state.jitter_ms,
    state.drift_ppm,
    state.buffer_depth_ms,
    state.underruns,
    state.overruns,
    state.last_interrupt_phrase_id,
    state.last_interrupt_phrase_text,
    state.last_interrupt_reason_code,
    state.capture_degraded,
    state.aec_unstable,
    state.device_changed,
    state.stream_gap_detected,
    state.tts_playback_active,
    state.last_event_id,
    telemetry_views.moment(state.updated_at) AS updated_at
FROM os_core.devices AS device
LEFT JOIN os_core.audio_runtime_current AS state
    ON device.tenant_id = state.tenant_id AND device.device_id = state.device_id;

-- PostgreSQL 14 has no such views. There the recipe does not grant this one.
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 150000 THEN
        ALTER VIEW telemetry_views.devices SET (security_invoker = TRUE);
    END IF;
END;
$$;

COMMENT ON VIEW telemetry_views.runtime_events_by_hour IS
'How endpoints behaved: one row for each hour, source, endpoint and method that has events, '
'weighted '
'as in the API''s summary: an event that stands for several counts as that many. Filter by hour; '
'endpoint and source have indexes too. There are no percentiles: those of hours cannot be added up';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.hour IS 'Begin of the hour, in UTC';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.source IS 'api, web, web_api or worker';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.endpoint IS
'Path of the endpoint, without its query string';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.method IS 'HTTP method';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.event_count IS
'How many events there were';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.error_count IS
'How many of them had a status of 500 or above';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.total_runtime_ms IS
'Milliseconds of all of them together';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.average_runtime_ms IS
'Milliseconds of one on average. Of several rows: sum(total_runtime_ms) / sum(event_count)';
COMMENT ON COLUMN telemetry_views.runtime_events_by_hour.runtime_cost_estimate IS
'Cost of all of them together, at the price of a second when each was stored';

COMMENT ON VIEW telemetry_views.devices IS
'Devices and their current state; a device without events has none. From PostgreSQL 15 on it reads '
'with the rights of its reader, so that row-level security applies';
COMMENT ON COLUMN telemetry_views.devices.tenant_id IS 'The tenant that the device belongs to';
COMMENT ON COLUMN telemetry_views.devices.device_id IS
'Chosen by the client; unique over all tenants';
COMMENT ON COLUMN telemetry_views.devices.device_type IS 'Kind of device, in the client''s words';
COMMENT ON COLUMN telemetry_views.devices.created_at IS
'When the device was bound to its tenant, by this database''s clock';
COMMENT ON COLUMN telemetry_views.devices.session_id IS 'Of the latest event that has one';
COMMENT ON COLUMN telemetry_views.devices.processed_stream_id IS
'Of the latest event of kind STREAM_REFS or VAD_EVENT';
COMMENT ON COLUMN telemetry_views.devices.raw_stream_id IS
'Of the latest STREAM_REFS event; NULL when that event has none';
COMMENT ON COLUMN telemetry_views.devices.pre_roll_buffer_id IS 'Of the latest STREAM_REFS event';
COMMENT ON COLUMN telemetry_views.devices.selected_mic IS 'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN telemetry_views.devices.selected_speaker IS 'Of the latest DEVICE_STATE event';
COMMENT ON COLUMN telemetry_views.devices.device_health IS
'HEALTHY, DEGRADED or FAILED, of the latest DEVICE_STATE event; NULL before the first';
COMMENT ON COLUMN telemetry_views.devices.jitter_ms IS
'Milliseconds, of the latest TIMING_STATS event';
COMMENT ON COLUMN telemetry_views.devices.drift_ppm IS
'Parts per million, of the latest TIMING_STATS event';
COMMENT ON COLUMN telemetry_views.devices.buffer_depth_ms IS
'Milliseconds, of the latest TIMING_STATS event';
COMMENT ON COLUMN telemetry_views.devices.underruns IS
'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN telemetry_views.devices.overruns IS
'Of the latest TIMING_STATS event, not a sum';
COMMENT ON COLUMN telemetry_views.devices.last_interrupt_phrase_id IS
'phrase_id of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN telemetry_views.devices.last_interrupt_phrase_text IS
'phrase_text of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN telemetry_views.devices.last_interrupt_reason_code IS
'reason_code of the latest INTERRUPT_CANDIDATE event';
COMMENT ON COLUMN telemetry_views.devices.capture_degraded IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.aec_unstable IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.device_changed IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.stream_gap_detected IS
'Of the latest DEGRADATION_FLAGS event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.tts_playback_active IS
'Of the latest TTS_PLAYBACK_ACTIVE event; false before the first';
COMMENT ON COLUMN telemetry_views.devices.last_event_id IS
'The newest event of the device, of any kind';
COMMENT ON COLUMN telemetry_views.devices.updated_at IS
'When that event happened, by the device''s clock, cut to microseconds';
