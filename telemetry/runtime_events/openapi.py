"""The description of the endpoints of runtime events."""

from typing import Any

from telemetry.openapi.common import FEED_AFTER, INVALID
from telemetry.openapi.operation import Body, Operation, Parameter, Reply
from telemetry.openapi.shapes import (
    COUNT,
    FLAG,
    IGNORED,
    NUMBER,
    TEXT,
    TIMESTAMP,
    array,
    batch,
    counts_by_name,
    feed_of,
    members,
    stored,
)
from telemetry.runtime_events.schema import (
    EventFeedSchema,
    EventSchema,
    IdeasSummarySchema,
    ListSchema,
    ReadSchema,
    SummarySchema,
)

TAG = "How endpoints behaved: one row per event, appended once and never changed"

PARAMETERS = {
    "force_refresh": Parameter("Has no effect, since responses are always fresh", False),
    "source": Parameter("Only events that this kind of program observed", "api"),
    "endpoint_prefix": Parameter("Only events whose endpoint begins like this", "/api/"),
    "since": Parameter("Only events recorded then or later", "2026-01-31T12:00:00Z"),
    "seconds": Parameter("How far to look back, 3600 unless given", 3600),
    "limit": Parameter("How many a page holds; 100 events or 200 names unless given", 100),
    "after": FEED_AFTER,
    "offset": Parameter("How many to skip", 0),
    "cursor": Parameter(
        "Comes from the Link header of the page before",
        "MjAyNi0wMS0zMVQxMjowMDowMC4wMDAwMDBaIGZpcnN0LWV2ZW50",
    ),
}

SENT: dict[str, Any] = {
    "id": "first-event",
    "source": "api",
    "endpoint": "/api/ideas?page=2",
    "method": "get",
    "runtime_ms": 12.5,
    "idea_id": "idea-7",
    "metadata": {"region": "eu", "cached": False},
}

# The fields that always have a value.
ALWAYS = {*EventSchema().fields} - {"idea_id"}

MORE = {
    # Stored with a slash in front, and in upper case, so they may be longer than what was sent.
    "endpoint": TEXT,
    "method": TEXT,
    "runtime_cost_estimate": NUMBER,
    "origin_idea_id": {"type": ["string", "null"]},
    "recorded_at": TIMESTAMP,
}
EVENT = stored(EventSchema, ALWAYS, **MORE)
CREATED = {**EVENT, "properties": {**EVENT["properties"], "ignored_fields": IGNORED}}
STORED = {
    **SENT,
    "endpoint": "/api/ideas",
    "raw_endpoint": "/api/ideas?page=2",
    "method": "GET",
    "status_code": 200,
    "runtime_cost_estimate": 0.000025,
    "origin_idea_id": "idea-7",
    "recorded_at": "2026-01-31T12:00:00.123456Z",
}

OF_BATCH = batch("id", completed=COUNT, ignored_fields=IGNORED)
BATCH = {
    "anyOf": [
        {"type": "array", "maxItems": 10_000, "items": EventSchema},
        {
            "type": "object",
            "properties": {"events": {"type": "array", "maxItems": 10_000, "items": EventSchema}},
            "required": ["events"],
        },
    ]
}
REFUSED = {
    "inserted": 0,
    "duplicates": 0,
    "completed": 0,
    "errors": [
        {
            "index": 0,
            "id": None,
            "detail": [
                {"loc": ["body", 0, "runtime_ms"], "msg": "Field required", "type": "missing"}
            ],
        }
    ],
    "total": 1,
}

ENDPOINT = members(
    endpoint=TEXT,
    methods=array(TEXT),
    event_count=COUNT,
    error_count=COUNT,
    total_runtime_ms=NUMBER,
    average_runtime_ms=NUMBER,
    p50_ms=NUMBER,
    p95_ms=NUMBER,
    p99_ms=NUMBER,
    runtime_cost_estimate=NUMBER,
    by_source=counts_by_name("source"),
    status_counts=counts_by_name("status_code"),
)

IDEA = members(
    idea_id=TEXT,
    event_count=COUNT,
    total_runtime_ms=NUMBER,
    average_runtime_ms=NUMBER,
    runtime_cost_estimate=NUMBER,
    by_source=counts_by_name("source"),
)

OPERATIONS = {
    "create": Operation(
        "Record an event",
        {
            201: Reply("The event is new", CREATED, STORED),
            200: Reply("The id is known; this is the stored event", CREATED, STORED),
        },
        description="Idempotent on id. Without an id each attempt is a new event.",
        body=Body(EventSchema, SENT),
    ),
    "create_batch": Operation(
        "Record up to 10,000 events",
        {
            200: Reply(
                "At least one event was valid, or the batch is empty",
                OF_BATCH,
                {"inserted": 2, "duplicates": 0, "completed": 0, "errors": [], "total": 2},
            ),
            422: Reply(
                "No event was valid, or the body is not a batch",
                {"anyOf": [OF_BATCH, INVALID]},
                REFUSED,
            ),
        },
        description="Valid events are stored in one transaction. A bad record blocks no other.",
        body=Body(
            BATCH,
            {"events": [SENT]},
            '{"source": "worker", "endpoint": "/api/ideas", "runtime_ms": 900}\n',
        ),
    ),
    "list": Operation(
        "List events, newest first",
        {
            200: Reply(
                "A page of events",
                members(items=array(EVENT), limit=COUNT, offset=COUNT, has_more=FLAG),
                {"items": [STORED], "limit": 100, "offset": 0, "has_more": False},
                ("Link",),
            )
        },
        query=ListSchema,
    ),
    "summary": Operation(
        "Add up the events by endpoint, busiest first",
        {
            200: Reply(
                "The totals of each endpoint",
                members(
                    window_seconds=COUNT,
                    source={"type": ["string", "null"]},
                    endpoints=array(ENDPOINT),
                ),
                {
                    "window_seconds": 3600,
                    "source": None,
                    "endpoints": [
                        {
                            "endpoint": "/api/ideas",
                            "methods": ["GET"],
                            "event_count": 2,
                            "error_count": 1,
                            "total_runtime_ms": 912.5,
                            "average_runtime_ms": 456.25,
                            "p50_ms": 456.25,
                            "p95_ms": 855.625,
                            "p99_ms": 891.125,
                            "runtime_cost_estimate": 0.001825,
                            "by_source": {"api": 1, "worker": 1},
                            "status_counts": {"200": 1, "503": 1},
                        }
                    ],
                },
            )
        },
        query=SummarySchema,
    ),
    "ideas_summary": Operation(
        "Add up the events by idea, most expensive first",
        {
            200: Reply(
                "The totals of each idea; unmapped where an event names none",
                members(window_seconds=COUNT, ideas=array(IDEA)),
                {
                    "window_seconds": 3600,
                    "ideas": [
                        {
                            "idea_id": "idea-7",
                            "event_count": 2,
                            "total_runtime_ms": 912.5,
                            "average_runtime_ms": 456.25,
                            "runtime_cost_estimate": 0.001825,
                            "by_source": {"api": 1, "worker": 1},
                        }
                    ],
                },
            )
        },
        query=IdeasSummarySchema,
    ),
    "feed": Operation(
        "Follow the events: each appears once, when it is visible",
        {
            200: Reply(
                "A page of events, oldest first, and the cursor after it",
                feed_of(EVENT),
                {"items": [STORED], "next": "k6RydW5zkAE=", "has_more": False},
            )
        },
        query=EventFeedSchema,
    ),
    "change_token": Operation(
        "Get a token that changes when an event has become visible",
        {
            200: Reply(
                "The token", members(token=TEXT), {"token": "c0535e4be2b79ffd93291305436bf889"}
            )
        },
        query=ReadSchema,
    ),
}
