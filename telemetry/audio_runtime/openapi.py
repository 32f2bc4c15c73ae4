"""The description of the endpoints of the audio runtime ledger."""

from telemetry.audio_runtime.openapi_fields import MEANINGS
from telemetry.audio_runtime.openapi_shapes import (
    ANY_EVENT,
    APPENDED,
    BATCH,
    COMMITTED,
    CONTRADICTION,
    CURRENT,
    CURRENT_EXAMPLE,
    DEVICE,
    DEVICE_EXAMPLE,
    EVENT,
    EVENTS,
    NAMES,
    OF_BATCH,
    OTHER_TENANT,
    ROW_HASH_EXAMPLE,
    SESSION,
    SESSION_EXAMPLE,
    STORED_EVENT,
    STORED_EVENT_EXAMPLE,
    UNBOUND,
    refusal,
)
from telemetry.audio_runtime.refusals import TENANT_SCOPE_MISMATCH
from telemetry.audio_runtime.schema import (
    DEFAULT_LIMIT,
    DeviceSchema,
    EventPageSchema,
    PageSchema,
    PathSchema,
    RebuildSchema,
    SessionSchema,
    TenantFeedSchema,
)
from telemetry.openapi.common import FEED_AFTER, batch_replies, feed_cursor, lines
from telemetry.openapi.operation import Body, Operation, Parameter, Reply
from telemetry.openapi.shapes import COUNT, NUMBER, ROW_HASH, feed_of, members, page_of

TAG = "What voice devices observed: an append-only ledger, chained by hash, and a projection"

__all__ = ["MEANINGS", "OPERATIONS", "PARAMETERS", "TAG"]

PARAMETERS = {
    "tenant_id": Parameter("The tenant", "acme"),
    "device_id": Parameter("The device", "kitchen-1"),
    "session_id": Parameter("The session", 7),
    "after": Parameter("The last device_id of the page before", "kitchen-0"),
    "feed.after": FEED_AFTER,
    "list_events.after": Parameter(
        "The last event_id of the page before; needs device_id, since order is promised per device",
        0,
    ),
    "limit": Parameter("How many rows a page holds", 100, DEFAULT_LIMIT),
}

OPERATIONS = {
    "put_device": Operation(
        "Bind a device to a tenant, permanently",
        {
            201: Reply("The device is new", DEVICE, DEVICE_EXAMPLE),
            200: Reply(
                "The device exists; a device_type that was sent updates it",
                DEVICE,
                {**DEVICE_EXAMPLE, "status": "exists"},
            ),
            409: OTHER_TENANT,
        },
        path=PathSchema,
        body=Body(DeviceSchema, {"tenant_id": "acme", "device_type": "speaker"}),
    ),
    "put_session": Operation(
        "Open a session on a device of the tenant, or move it to another one",
        {
            201: Reply("The session is new", SESSION, SESSION_EXAMPLE),
            200: Reply(
                "The session exists, on this device",
                SESSION,
                {**SESSION_EXAMPLE, "status": "exists"},
            ),
            404: UNBOUND,
            409: OTHER_TENANT,
        },
        path=PathSchema,
        body=Body(SessionSchema, {"tenant_id": "acme", "device_id": "kitchen-1"}),
    ),
    "append": Operation(
        "Append an event to the ledger",
        {
            201: Reply("The event is new, and committed", APPENDED, COMMITTED),
            200: Reply(
                "The dedupe key is known, and nothing was written; event_id is that of the first"
                " event",
                APPENDED,
                {**COMMITTED, "status": "duplicate"},
            ),
            403: refusal("The device is bound to another tenant", TENANT_SCOPE_MISMATCH),
            404: UNBOUND,
            409: CONTRADICTION,
        },
        description="Idempotent on tenant_id, device_id, event_kind and idempotency_key. A refused"
        " event leaves no row anywhere.",
        body=Body(ANY_EVENT, EVENT),
    ),
    "append_batch": Operation(
        "Append up to 1,000 events in one transaction",
        batch_replies(
            "event",
            OF_BATCH,
            {
                "inserted": 1,
                "duplicates": 0,
                "errors": [
                    {
                        "index": 1,
                        "reason_code": "K_FAIL_DEVICE_UNBOUND",
                        "detail": "Device kitchen-2 is not bound to tenant acme",
                    }
                ],
                "results": [{"index": 0, "status": "committed", "event_id": 2}],
                "total": 2,
            },
            {
                "inserted": 0,
                "duplicates": 0,
                "errors": [
                    {
                        "index": 0,
                        "reason_code": "K_FAIL_EVENT_FIELDS_INVALID",
                        "detail": [
                            {
                                "loc": ["body", 0, "created_at"],
                                "msg": "Field required",
                                "type": "missing",
                            }
                        ],
                    }
                ],
                "results": [],
                "total": 1,
            },
        ),
        description="A bad event blocks no other. The event_ids of one device follow the order of"
        " the batch.",
        body=Body(
            BATCH,
            {"events": EVENTS},
            lines(EVENTS),
        ),
    ),
    "list_events": Operation(
        "List the events of a tenant, or of one of its devices in ledger order",
        {
            200: Reply(
                "A page of events",
                page_of(STORED_EVENT),
                {"items": [STORED_EVENT_EXAMPLE], "has_more": False},
                ("Link",),
            )
        },
        query=EventPageSchema,
    ),
    "feed": Operation(
        "Follow the events of a tenant: each appears once, when it is visible",
        {
            200: Reply(
                "A page of events, in ledger order within a device, and the cursor after it",
                feed_of(STORED_EVENT),
                {
                    "items": [STORED_EVENT_EXAMPLE],
                    "next": feed_cursor("audio-runtime acme"),
                    "has_more": False,
                },
            )
        },
        query=TenantFeedSchema,
    ),
    "list_current": Operation(
        "List the current states of a tenant's devices",
        {
            200: Reply(
                "A page of states, by device_id",
                page_of(CURRENT),
                {"items": [CURRENT_EXAMPLE], "has_more": False},
                ("Link",),
            )
        },
        query=PageSchema,
    ),
    "get_current": Operation(
        "Get the current state of a device",
        {200: Reply("The state", CURRENT, CURRENT_EXAMPLE)},
        path=PathSchema,
        checks_path=True,
    ),
    "list_heads": Operation(
        "List the newest event_id and row_hash of each device",
        {
            200: Reply(
                "A page of heads, by device_id",
                page_of(members(**NAMES, event_id=COUNT, row_hash=ROW_HASH)),
                {
                    "items": [
                        {
                            "tenant_id": "acme",
                            "device_id": "kitchen-1",
                            "event_id": 1,
                            "row_hash": ROW_HASH_EXAMPLE,
                        }
                    ],
                    "has_more": False,
                },
                ("Link",),
            )
        },
        query=PageSchema,
    ),
    "rebuild_current": Operation(
        "Rebuild the projection of a tenant, or of one of its devices",
        {
            200: Reply(
                "The projection is equal to the replay; differed counts the rows that were wrong",
                members(devices=COUNT, differed=COUNT, duration_ms=NUMBER),
                {"devices": 1, "differed": 0, "duration_ms": 12.5},
            ),
            404: UNBOUND,
            409: CONTRADICTION,
        },
        body=Body(RebuildSchema, {"tenant_id": "acme"}),
    ),
}
