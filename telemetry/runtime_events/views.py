"""The HTTP side of runtime events."""

from functools import partial
from typing import cast

from flask import Blueprint, Response, current_app

from telemetry.counters import count_batch, count_record
from telemetry.http.request_log import set_log_message
from telemetry.http.responses import json_response
from telemetry.payloads.batch import read_batch
from telemetry.payloads.body import read_document
from telemetry.payloads.loading import ignored_fields, load
from telemetry.payloads.query_string import read_query
from telemetry.runtime_events.events import Event, Filters, RuntimeEventStore, event_to_store
from telemetry.runtime_events.schema import EventSchema, ListSchema, ReadSchema, SummarySchema

MAX_BATCH = 10_000

blueprint = Blueprint("runtime_events", __name__, url_prefix="/api/runtime")

event_schema = EventSchema()
list_schema = ListSchema()
summary_schema = SummarySchema()
read_schema = ReadSchema()


@blueprint.post("/events")
def create() -> Response:
    """Record one event, idempotently."""
    sent, ignored = load(event_schema, read_document())
    stored, created = _store().create(_event_to_store(sent))
    more = ignored_fields(ignored)
    count_record("runtime_events", "created" if created else "duplicate")
    if created:
        set_log_message(
            f"[OK] Recorded event: {stored['id']} ({stored['method']} {stored['endpoint']})"
        )
    else:
        set_log_message(f"[OK] Duplicate event (idempotent): {stored['id']}")
    return json_response({**stored, **more}, 201 if created else 200)


@blueprint.post("/events/batch")
def create_batch() -> Response:
    """Record up to MAX_BATCH events in one transaction; report the invalid ones."""
    batch = read_batch("events", partial(load, event_schema), max_records=MAX_BATCH, key="id")
    events = {index: _event_to_store(sent) for index, sent in batch.valid.items()}
    result = _store().create_batch(events)
    batch.add_constraint_errors(result.refused)
    count_batch(
        "runtime_events",
        batch.total,
        created=result.inserted,
        duplicate=result.duplicates,
        refused=len(batch.errors),
    )
    set_log_message(
        f"[OK] Batch of {batch.total} events: {result.inserted} recorded,"
        f" {result.duplicates} duplicates, {len(batch.errors)} errors"
    )
    return json_response(batch.response_body(result.inserted, result.duplicates), batch.status)


@blueprint.get("/events")
def list() -> Response:
    """Return a page of events, newest first."""
    query = read_query(list_schema)
    limit, offset = query.get("limit", 100), query.get("offset", 0)
    filters = Filters(query.get("source"), query.get("endpoint_prefix"), query.get("since"))
    # One more than the page holds, to find out whether more follow.
    events = _store().list(filters, limit=limit + 1, offset=offset)
    return json_response(
        {
            "items": events[:limit],
            "limit": limit,
            "offset": offset,
            "has_more": len(events) > limit,
        }
    )


@blueprint.get("/endpoints/summary")
def summary() -> Response:
    """Return the totals of each endpoint over the last seconds, the busiest first."""
    query = read_query(summary_schema)
    seconds, source = query.get("seconds", 3600), query.get("source")
    endpoints = _store().summary(seconds=seconds, source=source, limit=query.get("limit", 200))
    return json_response({"window_seconds": seconds, "source": source, "endpoints": endpoints})


@blueprint.get("/change-token")
def change_token() -> Response:
    """Return a token that changes when new events can be read, for programs that poll."""
    read_query(read_schema)
    return json_response({"token": _store().change_token()})


def _store() -> RuntimeEventStore:
    return cast(RuntimeEventStore, current_app.extensions["runtime_events"])


def _event_to_store(sent: Event) -> Event:
    return event_to_store(sent, current_app.extensions["config"].runtime_cost_per_second)
