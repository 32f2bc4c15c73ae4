"""The description of the endpoints of runtime events."""

from telemetry.openapi.common import FEED_AFTER, FEED_LIMIT, batch_replies, feed_cursor, lines
from telemetry.openapi.operation import Body, Operation, Parameter, Reply
from telemetry.openapi.shapes import COUNT, FLAG, TEXT, array, feed_of, members
from telemetry.payloads.cursor import encode_cursor
from telemetry.runtime_events.events import ListEnd
from telemetry.runtime_events.openapi_shapes import (
    BATCH,
    CREATED,
    ENDPOINT,
    EVENT,
    IDEA,
    OF_BATCH,
    REFUSED,
    SENT,
    SENT_AGAIN,
    STORED,
)
from telemetry.runtime_events.schema import (
    DEFAULT_LIMIT,
    DEFAULT_SECONDS,
    DEFAULT_SUMMARY_LIMIT,
    EventFeedSchema,
    EventSchema,
    IdeasSummarySchema,
    ListSchema,
    ReadSchema,
    SummarySchema,
)

TAG = "How endpoints behaved: one row per event, appended once and never changed"

MEANINGS = {
    "id": "The id of the event; a retry sends the same; made by the service unless given",
    "source": "The kind of program that observed it",
    "endpoint": "The path of the endpoint; a query string is cut off",
    "raw_endpoint": "The path as it was requested, the endpoint unless given",
    "method": "GET unless given",
    "status_code": "The status of the response, 200 unless given",
    "runtime_ms": "How long it took",
    "idea_id": "The idea that the work was for",
    "metadata": "Anything else; event_count says that the event stands for several",
}

PARAMETERS = {
    "force_refresh": Parameter("Has no effect, since responses are always fresh", False),
    "source": Parameter("Only events that this kind of program observed", "api"),
    "endpoint_prefix": Parameter("Only events whose endpoint begins like this", "/api/"),
    "since": Parameter("Only events recorded then or later", "2026-01-31T12:00:00Z"),
    "seconds": Parameter("How far to look back", 3600, DEFAULT_SECONDS),
    "limit": Parameter("How many events a page holds", 100, DEFAULT_LIMIT),
    "summary.limit": Parameter("How many endpoints to return", 200, DEFAULT_SUMMARY_LIMIT),
    "ideas_summary.limit": Parameter("How many ideas to return", 200, DEFAULT_SUMMARY_LIMIT),
    "feed.limit": FEED_LIMIT,
    "after": FEED_AFTER,
    "offset": Parameter("How many to skip", 0, 0),
    "cursor": Parameter(
        "Comes from the Link header of the page before",
        encode_cursor(ListEnd(STORED["recorded_at"], STORED["id"])),
    ),
}

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
        batch_replies(
            "event",
            OF_BATCH,
            {"inserted": 1, "duplicates": 1, "completed": 0, "errors": [], "total": 2},
            REFUSED,
        ),
        description="Valid events are stored in one transaction. A bad record blocks no other.",
        body=Body(BATCH, {"events": SENT_AGAIN}, lines(SENT_AGAIN)),
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
                {"items": [STORED], "next": feed_cursor("runtime-events"), "has_more": False},
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
