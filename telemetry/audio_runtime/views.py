"""The HTTP side of the audio runtime ledger."""

from operator import itemgetter
from typing import Any, cast

from flask import Blueprint, Response, current_app

from telemetry.audio_runtime import refusals
from telemetry.audio_runtime.batch import read_events
from telemetry.audio_runtime.counts import APPENDS, DOMAIN, count_events
from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.entries import entry_of, error_of, reason_for_log, success_of
from telemetry.audio_runtime.finding import REBUILD_INTEGRITY
from telemetry.audio_runtime.outcomes import Committed, Outcome, Refused, Stored
from telemetry.audio_runtime.rebuild import LedgerContradiction
from telemetry.audio_runtime.refusals import RefusalError, refusing_fields
from telemetry.audio_runtime.schema import (
    DEFAULT_LIMIT,
    DeviceSchema,
    EventPageSchema,
    PageSchema,
    PathSchema,
    RebuildSchema,
    SessionSchema,
    TenantFeedSchema,
    load_event,
)
from telemetry.audio_runtime.store import AudioRuntimeStore
from telemetry.counters import count_record
from telemetry.database.database import Row
from telemetry.http.caller import caller, needs, seen
from telemetry.http.errors import ApiError
from telemetry.http.lists import list_response
from telemetry.http.request_log import set_log_message
from telemetry.http.responses import json_response
from telemetry.numbers import INT64_MAX
from telemetry.payloads.batch import log_batch
from telemetry.payloads.body import read_document
from telemetry.payloads.feed import page_response, read_feed_query
from telemetry.payloads.loading import load
from telemetry.payloads.query_string import read_query, require_with

LEDGER_EVENT_TYPE = "K_RUNTIME_EVENT_COMMIT"

blueprint = Blueprint("audio_runtime", __name__)

path_schema = PathSchema()
device_schema = DeviceSchema()
session_schema = SessionSchema()
rebuild_schema = RebuildSchema()
page_schema = PageSchema()
event_page_schema = EventPageSchema()
feed_schema = TenantFeedSchema()


@blueprint.put("/api/v1/devices/<device_id>")
@needs("audio:write")
def put_device(device_id: str) -> Response:
    """Bind a device to a tenant, idempotently."""
    with refusing_fields():
        name = load(path_schema, {"device_id": device_id}, ("path",)).values["device_id"]
        sent = load(device_schema, read_document()).values
    if not caller().may_use(sent["tenant_id"]):
        # The same for every other tenant, whether it exists or not, and without a look at it.
        detail = f"The token is not bound to tenant {sent['tenant_id']}"
        raise RefusalError(refusals.TENANT_SCOPE_MISMATCH, detail)
    device = _store().put_device(name, sent)
    if device is None:
        raise _bound_elsewhere(f"Device {name} is bound to another tenant")
    return _put(device, f"device: {name}")


@blueprint.put("/api/v1/sessions/<session_id>")
@needs("audio:write")
def put_session(session_id: str) -> Response:
    """Open a session on a device of its tenant, idempotently."""
    with refusing_fields():
        number = load(path_schema, {"session_id": session_id}, ("path",)).values["session_id"]
        sent = load(session_schema, read_document()).values
    if not caller().may_use(sent["tenant_id"]):
        raise _unbound(**sent)
    session = _store().put_session(number, sent)
    if session is None:
        _find_device(**sent)
        raise _bound_elsewhere(f"Session {number} belongs to another tenant")
    return _put(session, f"session: {number}")


@blueprint.post("/api/v1/audio-runtime/events")
@needs("audio:write")
def append() -> Response:
    """Append one event, idempotently."""
    with refusing_fields():
        event = load_event(read_document())
    if caller().may_use(event["tenant_id"]):
        outcome = _store().append(event)
    else:
        outcome = Refused(refusals.DEVICE_UNBOUND)
    if not isinstance(outcome, Stored):
        raise error_of(outcome, event)
    status, fields = success_of(outcome)
    created = isinstance(outcome, Committed)
    count_record(DOMAIN, "created" if created else "duplicate", differs="differs" in fields)
    if created:
        APPENDS.at(event["event_kind"]).add()
    set_log_message(
        f"[OK] {fields['status'].capitalize()} {event['event_kind']}: {outcome.event_id}"
        f" (device: {event['device_id']})"
    )
    body = {
        **fields,
        "ledger_event_type": LEDGER_EVENT_TYPE,
        "audit_event_id": outcome.audit_event_id,
        "row_hash": outcome.row_hash,
    }
    return json_response(body, status)


@blueprint.post("/api/v1/audio-runtime/events/batch")
@needs("audio:write")
def append_batch() -> Response:
    """Append up to MAX_BATCH events in one transaction, and report each of them."""
    with refusing_fields():
        batch = read_events()
    results: list[dict[str, Any]] = []
    outcomes = _append_all([*batch.valid.values()])
    for (index, event), outcome in zip(batch.valid.items(), outcomes, strict=True):
        entries = results if isinstance(outcome, Stored) else batch.errors
        entries.append(entry_of(index, outcome, event))
    batch.errors.sort(key=itemgetter("index"))
    inserted = sum(isinstance(outcome, Committed) for outcome in outcomes)
    duplicates = len(results) - inserted
    count_events(batch, outcomes, differing=sum("differs" in result for result in results))
    log_batch(
        f"{batch.total} events",
        f"{inserted} committed, {duplicates} duplicates",
        [reason_for_log(error) for error in batch.errors],
        refused=batch.status != 200,
    )
    body = {
        "inserted": inserted,
        "duplicates": duplicates,
        "errors": batch.errors,
        "results": results,
        "total": batch.total,
    }
    return json_response(body, batch.status)


@blueprint.get("/api/v1/audio-runtime/events")
@needs("audio:read")
def list_events() -> Response:
    """Return the first of a tenant's events, or a page of those of one device."""
    page = read_query(event_page_schema)
    require_with(page, "after", "device_id", "order is promised within a device")
    limit = page.pop("limit", DEFAULT_LIMIT)
    page["tenant_id"] = seen(page["tenant_id"])
    if "device_id" not in page:
        return list_response(_store().list_events(page, limit), key=None)
    events = _store().list_device_events({"after": None, **page}, limit)
    return list_response(events, key="event_id")


@blueprint.get("/api/v1/feed/audio-runtime")
@needs("audio:read")
def feed() -> Response:
    """Return the next events of a tenant, for a follower."""
    query = read_query(feed_schema)
    tenant_id = query["tenant_id"]
    # The name includes the tenant: a cursor is not valid for another one.
    name = f"audio-runtime {tenant_id}"
    follower = read_feed_query(query, name, is_mark=_is_event_id)
    return page_response(name, _store().feed(seen(tenant_id), follower))


@blueprint.get("/api/v1/audio-runtime/current")
@needs("audio:read")
def list_current() -> Response:
    """Return a page of the current states of a tenant's devices."""
    return list_response(_store().list_current(*_read_page()), key="device_id")


@blueprint.get("/api/v1/audio-runtime/current/<tenant_id>/<device_id>")
@needs("audio:read")
def get_current(tenant_id: str, device_id: str) -> Response:
    """Return the current state of one device."""
    names = {"tenant_id": tenant_id, "device_id": device_id}
    asked = load(path_schema, names, ("path",)).values
    current = _store().get_current(seen(asked["tenant_id"]), asked["device_id"])
    if current is None:
        raise ApiError(404, f"No state of device {device_id} of tenant {tenant_id}")
    return json_response(current)


@blueprint.get("/api/v1/audio-runtime/heads")
@needs("audio:read")
def list_heads() -> Response:
    """Return a page of the heads of a tenant's devices."""
    return list_response(_store().list_heads(*_read_page()), key="device_id")


@blueprint.post("/api/v1/audio-runtime/rebuild")
@needs("audio:write")
def rebuild_current() -> Response:
    """Rebuild the projection of a tenant, or of one of its devices."""
    with refusing_fields():
        sent = load(rebuild_schema, read_document()).values
    if "device_id" in sent:
        _find_device(**sent)
    sent["tenant_id"] = seen(sent["tenant_id"])
    try:
        rebuilt = _store().rebuild(Scope(**sent))
    except LedgerContradiction as error:
        detail = refusals.detail(REBUILD_INTEGRITY, error.first._asdict())
        raise RefusalError(REBUILD_INTEGRITY, detail) from error
    set_log_message(f"[OK] Rebuilt {rebuilt.devices} devices, {rebuilt.differed} differed")
    return json_response(rebuilt._asdict())


def _store() -> AudioRuntimeStore:
    return cast(AudioRuntimeStore, current_app.extensions["audio_runtime"])


def _is_event_id(mark: str) -> bool:
    if mark == "":
        return True
    return mark.isascii() and mark.isdecimal() and len(mark) < 20 and int(mark) <= INT64_MAX


def _put(row: Row, name: str) -> Response:
    created = row.pop("created")
    set_log_message(f"[OK] {'Created' if created else 'Known'} {name} (tenant: {row['tenant_id']})")
    return json_response(
        {"status": "created" if created else "exists", **row}, 201 if created else 200
    )


def _bound_elsewhere(detail: str) -> RefusalError:
    return RefusalError(refusals.TENANT_SCOPE_MISMATCH, detail, 409)


def _find_device(tenant_id: str, device_id: str) -> None:
    if _store().get_device(seen(tenant_id), device_id) is None:
        raise _unbound(tenant_id, device_id)


def _unbound(tenant_id: str, device_id: str) -> RefusalError:
    names = {"tenant_id": tenant_id, "device_id": device_id}
    return RefusalError(refusals.DEVICE_UNBOUND, refusals.detail(refusals.DEVICE_UNBOUND, names))


def _append_all(events: list[dict[str, Any]]) -> list[Outcome]:
    """Append the events; those of a tenant that the token may not use are refused unread."""
    sender = caller()
    refused = Refused(refusals.DEVICE_UNBOUND)
    appended = iter(_store().append_batch([it for it in events if sender.may_use(it["tenant_id"])]))
    return [next(appended) if sender.may_use(it["tenant_id"]) else refused for it in events]


def _read_page() -> tuple[dict[str, Any], int]:
    """Return the parameters of a list that pages by device, and its limit."""
    page = read_query(page_schema)
    limit = page.pop("limit", DEFAULT_LIMIT)
    return {"after": None, **page, "tenant_id": seen(page["tenant_id"])}, limit
