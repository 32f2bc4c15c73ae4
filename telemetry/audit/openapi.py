"""The description of the endpoint of the audit trail."""

from telemetry.audit.schema import DEFAULT_LIMIT, ListSchema
from telemetry.openapi.operation import Operation, Parameter, Reply
from telemetry.openapi.shapes import (
    COUNT,
    FLAG,
    TEXT,
    TIMESTAMP,
    array,
    members,
    one_of,
    page_of,
)

TAG = "What auditors may see of the ledgers, append-only"

PARAMETERS = {
    "tenant_id": Parameter("The tenant", "acme"),
    "device_id": Parameter("Only rows of this device", "kitchen-1"),
    "after": Parameter(
        "The last audit_event_id of the page before; needs device_id, since order is promised per"
        " device",
        0,
    ),
    "limit": Parameter("How many rows a page holds", 100, DEFAULT_LIMIT),
}

# Rooms do not import each other: a test compares these with the ledger's.
EVENT_TYPES = (
    "K_STREAM_REFS_COMMIT",
    "K_VAD_EVENT_MARKER_COMMIT",
    "K_DEVICE_STATE_COMMIT",
    "K_TIMING_STATS_COMMIT",
    "K_INTERRUPT_CANDIDATE_COMMIT",
    "K_DEGRADATION_FLAGS_COMMIT",
    "K_TTS_PLAYBACK_ACTIVE_COMMIT",
)
REASON_CODES = (
    "K_INTERRUPT_CANDIDATE_EMITTED",
    "K_STREAM_GAP_DETECTED",
    "K_AEC_UNSTABLE",
    "K_DEVICE_FAILOVER",
    "K_DEVICE_UNHEALTHY",
)
DEGRADATION_FLAGS = (
    "capture_degraded",
    "aec_unstable",
    "device_changed",
    "stream_gap_detected",
)

# What an audit row says of the event. A key without a value is left out.
PAYLOAD = members(
    sometimes={
        *("session_id", "processed_stream_id", "pre_roll_buffer_id", "device_health"),
        *("tts_playback_active", "interrupt_phrase_id", "interrupt_phrase_text"),
        "degradation_flags",
    },
    tenant_id=TEXT,
    device_id=TEXT,
    event_kind=TEXT,
    session_id=COUNT,
    processed_stream_id=TEXT,
    pre_roll_buffer_id=COUNT,
    device_health=TEXT,
    tts_playback_active=FLAG,
    interrupt_phrase_id=COUNT,
    interrupt_phrase_text=TEXT,
    degradation_flags=members(**dict.fromkeys(DEGRADATION_FLAGS, FLAG)),
) | {"additionalProperties": False}

ROW = members(
    audit_event_id=COUNT,
    tenant_id=TEXT,
    device_id=TEXT,
    engine=one_of("PH1.K"),
    event_type=one_of(*EVENT_TYPES),
    reason_codes=array(one_of(*REASON_CODES)),
    severity=one_of("INFO", "WARN"),
    source_event_id=COUNT,
    payload_min=PAYLOAD,
    recorded_at=TIMESTAMP,
)

OPERATIONS = {
    "list": Operation(
        "List the audit rows of a tenant, or of one of its devices",
        {
            200: Reply(
                "A page of rows, oldest first",
                page_of(ROW),
                {
                    "items": [
                        {
                            "audit_event_id": 1,
                            "tenant_id": "acme",
                            "device_id": "kitchen-1",
                            "engine": "PH1.K",
                            "event_type": "K_VAD_EVENT_MARKER_COMMIT",
                            "reason_codes": [],
                            "severity": "INFO",
                            "source_event_id": 1,
                            "payload_min": {
                                "tenant_id": "acme",
                                "device_id": "kitchen-1",
                                "session_id": 7,
                                "event_kind": "VAD_EVENT",
                                "processed_stream_id": "stream-1",
                            },
                            "recorded_at": "2026-01-31T12:00:00.123456Z",
                        }
                    ],
                    "has_more": False,
                },
                ("Link",),
            )
        },
        query=ListSchema,
    )
}
