"""The HTTP side of the audit trail."""

from typing import cast

from flask import Blueprint, Response, current_app

from telemetry.audit.schema import DEFAULT_LIMIT, ListSchema
from telemetry.audit.store import AuditStore
from telemetry.http.responses import json_response
from telemetry.payloads.query_string import read_query, require_with

blueprint = Blueprint("audit", __name__)

list_schema = ListSchema()


@blueprint.get("/api/v1/audit/events")
def list() -> Response:
    """Return the first of a tenant's audit rows, or a page of those of one device."""
    page = read_query(list_schema)
    require_with(page, "after", "device_id", "order is promised within a device")
    limit = page.pop("limit", DEFAULT_LIMIT)
    page["row_limit"] = limit + 1
    store = cast(AuditStore, current_app.extensions["audit"])
    of_device = "device_id" in page
    rows = store.list_device({"after": None, **page}) if of_device else store.list(page)
    return json_response({"items": rows[:limit], "has_more": len(rows) > limit})
