"""The JSON Schemas of runtime events and of the responses about them, with examples."""

from typing import Any

from telemetry.openapi.shapes import (
    COUNT,
    IGNORED,
    NUMBER,
    TEXT,
    TIMESTAMP,
    array,
    batch,
    batch_of,
    counts_by_name,
    members,
    stored,
)
from telemetry.runtime_events.schema import MAX_BATCH, EventSchema

SENT: dict[str, Any] = {
    "id": "first-event",
    "source": "api",
    "endpoint": "/api/ideas?page=2",
    "method": "get",
    "runtime_ms": 12.5,
    "idea_id": "idea-7",
    "metadata": {"region": "eu", "cached": False},
}

# The batch repeats the event before, and has one more.
SENT_AGAIN: list[dict[str, Any]] = [
    SENT,
    {
        "id": "second-event",
        "source": "worker",
        "endpoint": "/api/ideas",
        "runtime_ms": 900,
        "status_code": 503,
        "idea_id": "idea-7",
    },
]

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
BATCH = batch_of("events", EventSchema, MAX_BATCH)
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
