"""The HTTP side of runtime events."""

from functools import partial
from typing import cast

from flask import Blueprint, Response, current_app

from telemetry.counters import count_batch, count_record
from telemetry.http.caller import needs
from telemetry.http.request_log import set_log_message
from telemetry.http.responses import json_response
from telemetry.payloads.batch import read_batch
from telemetry.payloads.body import read_document
from telemetry.payloads.cursor import next_link, read_cursor
from telemetry.payloads.feed import page_response, read_feed_query
from telemetry.payloads.loading import ignored_fields, load
from telemetry.payloads.query_string import read_query
from telemetry.runtime_events.events import (
    Event,
    Filters,
    ListEnd,
    RuntimeEventStore,
    event_to_store,
)
from telemetry.runtime_events.schema import (
    DEFAULT_LIMIT,
    DEFAULT_SECONDS,
    DEFAULT_SUMMARY_LIMIT,
    MAX_BATCH,
    EventFeedSchema,
    EventSchema,
    IdeasSummarySchema,
    ListSchema,
    ReadSchema,
    SummarySchema,
)

blueprint = Blueprint("runtime_events", __name__)

event_schema = EventSchema()
list_schema = ListSchema()
feed_schema = EventFeedSchema()
summary_schema = SummarySchema()
ideas_summary_schema = IdeasSummarySchema()
read_schema = ReadSchema()


@blueprint.post("/api/runtime/events")
@needs("events:write")
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


@blueprint.post("/api/runtime/events/batch")
@needs("events:write")
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
    batch.log("events", f"{result.inserted} recorded, {result.duplicates} duplicates")
    return json_response(batch.response_body(result.inserted, result.duplicates), batch.status)


@blueprint.get("/api/runtime/events")
@needs("events:read")
def list() -> Response:
    """Return a page of events, newest first."""
    query = read_query(list_schema)
    limit, offset = query.get("limit", DEFAULT_LIMIT), query.get("offset", 0)
    filters = Filters(query.get("source"), query.get("endpoint_prefix"), query.get("since"))
    end = read_cursor(query.get("cursor"), ListEnd)
    page = _store().list(filters, limit=limit, offset=offset, after=end)
    body = {
        "items": page.events,
        "limit": limit,
        "offset": offset,
        "has_more": page.end is not None,
    }
    return json_response(body, headers={"Link": next_link(page.end)} if page.end else None)


@blueprint.get("/api/v1/feed/runtime-events")
@needs("events:read")
def feed() -> Response:
    """Return the next events, oldest first, for a follower."""
    store = _store()
    follower = read_feed_query(read_query(feed_schema), store.feed_name, numbers=store.feed_numbers)
    return page_response(store.feed_name, store.feed(follower))


@blueprint.get("/api/runtime/endpoints/summary")
@needs("events:read")
def summary() -> Response:
    """Return the totals of each endpoint over the last seconds, the busiest first."""
    query = read_query(summary_schema)
    seconds, source = query.get("seconds", DEFAULT_SECONDS), query.get("source")
    endpoints = _store().summary(
        seconds=seconds, source=source, limit=query.get("limit", DEFAULT_SUMMARY_LIMIT)
    )
    return json_response({"window_seconds": seconds, "source": source, "endpoints": endpoints})


@blueprint.get("/api/runtime/ideas/summary")
@needs("events:read")
def ideas_summary() -> Response:
    """Return the totals of each idea over the last seconds, the most expensive first."""
    query = read_query(ideas_summary_schema)
    seconds = query.get("seconds", DEFAULT_SECONDS)
    ideas = _store().ideas_summary(
        seconds=seconds,
        limit=query.get("limit", DEFAULT_SUMMARY_LIMIT),
        offset=query.get("offset", 0),
    )
    return json_response({"window_seconds": seconds, "ideas": ideas})


@blueprint.get("/api/runtime/change-token")
@needs("events:read")
def change_token() -> Response:
    """Return a token that changes when new events can be read, for programs that poll."""
    read_query(read_schema)
    return json_response({"token": _store().change_token()})


def _store() -> RuntimeEventStore:
    return cast(RuntimeEventStore, current_app.extensions["runtime_events"])


def _event_to_store(sent: Event) -> Event:
    return event_to_store(sent, current_app.extensions["config"].runtime_cost_per_second)
