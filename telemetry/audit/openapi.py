"""The description of the endpoint of the audit trail."""

from telemetry.audit.schema import DEFAULT_LIMIT, ListSchema
from telemetry.openapi.operation import Operation, Parameter, Reply
from telemetry.openapi.shapes import (
    ANY_OBJECT,
    COUNT,
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

ROW = members(
    audit_event_id=COUNT,
    tenant_id=TEXT,
    device_id=TEXT,
    engine=one_of("PH1.K"),
    event_type=TEXT,
    reason_codes=array(TEXT),
    severity=one_of("INFO", "WARN"),
    source_event_id=COUNT,
    payload_min=ANY_OBJECT,
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
