"""The HTTP side of runtime events."""

from functools import partial
from typing import cast

from flask import Blueprint, Response, current_app

from telemetry.http.lists import next_page
from telemetry.http.request_log import set_log_message
from telemetry.http.responses import json_response
from telemetry.payloads.batch import read_batch
from telemetry.payloads.body import read_document
from telemetry.payloads.loading import ignored_fields, load
from telemetry.payloads.query_string import read_query
from telemetry.runtime_events.events import Event, Filters, RuntimeEventStore, event_to_store
from telemetry.runtime_events.schema import (
    EventSchema,
    IdeasSummarySchema,
    ListSchema,
    ReadSchema,
    SummarySchema,
)

MAX_BATCH = 10_000

blueprint = Blueprint("runtime_events", __name__, url_prefix="/api/runtime")

event_schema = EventSchema()
list_schema = ListSchema()
summary_schema = SummarySchema()
ideas_summary_schema = IdeasSummarySchema()
read_schema = ReadSchema()


@blueprint.post("/events")
def create() -> Response:
    """Record one event, idempotently."""
    sent, ignored = load(event_schema, read_document())
    stored, created = _store().create(_event_to_store(sent))
    more = ignored_fields(ignored)
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
    batch.log("events", f"{result.inserted} recorded, {result.duplicates} duplicates")
    return json_response(batch.response_body(result.inserted, result.duplicates), batch.status)


@blueprint.get("/events")
def list() -> Response:
    """Return a page of events, newest first."""
    query = read_query(list_schema)
    limit, offset = query.get("limit", 100), query.get("offset", 0)
    filters = Filters(query.get("source"), query.get("endpoint_prefix"), query.get("since"))
    events, has_more = _store().list(filters, limit=limit, offset=offset)
    body = {"items": events, "limit": limit, "offset": offset, "has_more": has_more}
    link = {"Link": next_page(offset=offset + len(events))} if has_more else None
    return json_response(body, headers=link)


@blueprint.get("/endpoints/summary")
def summary() -> Response:
    """Return the totals of each endpoint over the last seconds, the busiest first."""
    query = read_query(summary_schema)
    seconds, source = query.get("seconds", 3600), query.get("source")
    endpoints = _store().summary(seconds=seconds, source=source, limit=query.get("limit", 200))
    return json_response({"window_seconds": seconds, "source": source, "endpoints": endpoints})


@blueprint.get("/ideas/summary")
def ideas_summary() -> Response:
    """Return the totals of each idea over the last seconds, the most expensive first."""
    query = read_query(ideas_summary_schema)
    seconds = query.get("seconds", 3600)
    ideas = _store().ideas_summary(
        seconds=seconds, limit=query.get("limit", 200), offset=query.get("offset", 0)
    )
    return json_response({"window_seconds": seconds, "ideas": ideas})


@blueprint.get("/change-token")
def change_token() -> Response:
    """Return a token that changes when new events can be read, for programs that poll."""
    read_query(read_schema)
    return json_response({"token": _store().change_token()})


def _store() -> RuntimeEventStore:
    return cast(RuntimeEventStore, current_app.extensions["runtime_events"])


def _event_to_store(sent: Event) -> Event:
    return event_to_store(sent, current_app.extensions["config"].runtime_cost_per_second)
