"""The pages of devices: all of them, one of them, and a check of one of them."""

from collections.abc import Sequence
from typing import Any

from flask import Response, request

from telemetry.database.database import Row
from telemetry.http import browser
from telemetry.http.caller import shows_pages
from telemetry.http.errors import ApiError
from telemetry.pages import query, render
from telemetry.pages.errors import not_found
from telemetry.pages.extension import blueprint, pages
from telemetry.pages.live import device_change, devices_change, refreshing
from telemetry.pages.schema import DeviceSchema, DevicesSchema

ROWS = 100
EVENTS = 50
AUDIT_ROWS = 20

devices_schema = DevicesSchema()
device_schema = DeviceSchema()


@blueprint.get("/devices")
@shows_pages
@refreshing(devices_change)
def list_devices() -> Response:
    """Return a page of devices, in the order of their names."""
    asked = query.read(devices_schema)
    values = asked.values
    tenant_id, _, device_id = (values["cursor"] or "").partition("/")
    after = (tenant_id, device_id) if values["cursor"] else None
    rows: Sequence[Row] = []
    if not asked.errors:
        rows = pages().devices.list(
            values["tenant_id"], after, ROWS + 1, attention=bool(values["attention"])
        )
    page = rows[:ROWS]
    more = len(rows) > ROWS
    return render.page(
        "devices.html",
        status=asked.status,
        asked=asked,
        rows=page,
        next_cursor=f"{page[-1]['tenant_id']}/{page[-1]['device_id']}" if more else None,
    )


@blueprint.get("/devices/<tenant_id>/<device_id>")
@shows_pages
@refreshing(device_change)
def show_device(tenant_id: str, device_id: str) -> Response:
    """Return the state, the ledger, the audit trail and the head of a device."""
    return _page(_get(tenant_id, device_id))


@blueprint.post("/devices/<tenant_id>/<device_id>/verify")
@shows_pages
def verify_device(tenant_id: str, device_id: str) -> Response:
    """Check the device now, and return its page with what was checked and found.

    It changes nothing, but it costs time, so no other site may ask a browser for it.
    """
    if not browser.is_own_page():
        raise ApiError(403, "Only the page of the device can ask for this")
    device = _get(tenant_id, device_id)
    return _page(device, checked=pages().verify(tenant_id, device_id))


@blueprint.get("/devices/<tenant_id>/<device_id>/verify")
@shows_pages
def leave_verify(tenant_id: str, device_id: str) -> Response:
    """Lead to the page of the device: the address of a result may be opened again or sent on."""
    path = render.url(f"/devices/{tenant_id}/{device_id}")
    return Response(status=303, headers={**render.HEADERS, "Location": path})


def _get(tenant_id: str, device_id: str) -> Row:
    found = pages().devices.get(tenant_id, device_id)
    if found is None:
        raise not_found(f"Tenant {tenant_id[:64]} has no device {device_id[:128]}")
    return found


def _page(device: Row, checked: Any = None) -> Response:
    asked = query.read(device_schema)
    events: Sequence[Row] = []
    audit: Sequence[Row] = []
    if not asked.errors:
        events = pages().devices.events(device, asked.values["before"], EVENTS + 1)
        audit = pages().devices.audit(device, asked.values["audit_before"], AUDIT_ROWS + 1)
    page, trail = events[:EVENTS], audit[:AUDIT_ROWS]
    return render.page(
        "device.html",
        status=asked.status,
        asked=asked,
        device=device,
        events=page,
        next_before=page[-1]["event_id"] if len(events) > EVENTS else None,
        audit=trail,
        next_audit_before=trail[-1]["audit_event_id"] if len(audit) > AUDIT_ROWS else None,
        checked=checked,
        here=request.path.removesuffix("/verify"),
    )
