-- Checks the events of some devices beside their audit rows, in one pass over both. The chain:
-- each row_hash against the one stored before it and the row's own content; a row is named that
-- was changed, that was slipped in, or before which one was removed; when its hash was
-- recomputed, the next row is. The audit trail: each event has its row, the row says what the
-- event gives, and none stands for an event that is not there.
-- An audit row's payload is compared as text, which is cheap to make, and as jsonb only when the
-- texts are not the same.
-- Where to begin is a range with ">=", so that no row comes before NULL's, whatever its id.
-- params: devices (JSON array of objects with tenant_id, device_id, and where to begin: after,
-- an event_id, and the row_hash that it has, in hex; after NULL: with the very first row),
-- findings (at most, per device and each problem)
-- index: ix_audio_runtime_events_tenant_device_time, ux_audit_events_source
-- locks: none
-- returns: tenant_id, device_id, event_id and problem
WITH wanted AS MATERIALIZED (
    SELECT
        sent.tenant_id,
        sent.device_id,
        sent.after,
        decode(sent.row_hash, 'hex') AS head,
        os_core.canonical_field(sent.tenant_id)
        || os_core.canonical_field(sent.device_id) AS canonical_names,
        audit.audio_runtime_names(sent.tenant_id, sent.device_id) AS audit_names
    FROM
        json_to_recordset(%(devices)s::json)
            AS sent (
                tenant_id text, device_id text, after bigint, row_hash text
            )
)

SELECT
    wanted.tenant_id,
    wanted.device_id,
    finding.event_id,
    finding.problem
FROM wanted
CROSS JOIN
    LATERAL (
        SELECT
            judged.event_id,
            named.problem,
            row_number() OVER (PARTITION BY named.problem ORDER BY judged.event_id) AS place
        FROM (
            SELECT
                coalesce(link.event_id, known.source_event_id) AS event_id,
                CASE WHEN link.row_hash <> link.row_hash_due THEN 'row_hash_wrong' END AS of_chain,
                CASE
                    WHEN known.source_event_id IS NULL THEN 'audit_row_missing'
                    WHEN link.event_id IS NULL THEN 'audit_row_without_event'
                    WHEN
                        known.engine <> 'PH1.K'
                        OR known.event_type <> link.event_type
                        OR known.reason_codes <> link.reason_codes
                        OR known.severity <> link.severity
                        OR (
                            known.payload_min::text <> link.payload
                            AND known.payload_min <> link.payload::jsonb
                        )
                        THEN 'audit_row_differs'
                END AS of_audit
            FROM (
                SELECT
                    event.event_id,
                    event.row_hash,
                    sha256(
                        coalesce(
                            lag(event.row_hash) OVER (
                                ORDER BY event.event_id ROWS UNBOUNDED PRECEDING
                            ),
                            wanted.head
                        )
                        || os_core.audio_runtime_event_content(event, wanted.canonical_names)
                    ) AS row_hash_due,
                    audit_row.event_type,
                    audit_row.reason_codes,
                    audit_row.severity,
                    audit.audio_runtime_payload(event, wanted.audit_names) AS payload
                FROM os_core.audio_runtime_events AS event
                CROSS JOIN LATERAL audit.audio_runtime_row(event) AS audit_row
                WHERE
                    event.tenant_id = wanted.tenant_id
                    AND event.device_id = wanted.device_id
                    AND event.event_id >= coalesce(wanted.after, '-9223372036854775808')
                    AND event.event_id IS DISTINCT FROM wanted.after
            ) AS link
            FULL JOIN (
                SELECT
                    stored.source_event_id,
                    stored.engine,
                    stored.event_type,
                    stored.reason_codes,
                    stored.severity,
                    stored.payload_min
                FROM audit.audit_events AS stored
                WHERE
                    stored.tenant_id = wanted.tenant_id
                    AND stored.device_id = wanted.device_id
                    AND stored.source_event_id >= coalesce(wanted.after, '-9223372036854775808')
                    AND stored.source_event_id IS DISTINCT FROM wanted.after
            ) AS known ON link.event_id = known.source_event_id
        ) AS judged
        CROSS JOIN LATERAL (VALUES (judged.of_chain), (judged.of_audit)) AS named (problem)
        -- The first of the two keeps the many that are right out of the join.
        WHERE num_nonnulls(judged.of_chain, judged.of_audit) > 0 AND named.problem IS NOT NULL
    ) AS finding
WHERE finding.place <= %(findings)s;
