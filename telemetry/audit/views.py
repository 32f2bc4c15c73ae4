"""The HTTP side of the audit trail."""

from typing import cast

from flask import Blueprint, Response, current_app

from telemetry.audit.schema import DEFAULT_LIMIT, ListSchema
from telemetry.audit.store import AuditStore
from telemetry.http.caller import needs, seen
from telemetry.http.lists import list_response
from telemetry.payloads.query_string import read_query, require_with

blueprint = Blueprint("audit", __name__)

list_schema = ListSchema()


@blueprint.get("/api/v1/audit/events")
@needs("audio:read")
def list() -> Response:
    """Return the first of a tenant's audit rows, or a page of those of one device."""
    page = read_query(list_schema)
    require_with(page, "after", "device_id", "order is promised within a device")
    limit = page.pop("limit", DEFAULT_LIMIT)
    page["tenant_id"] = seen(page["tenant_id"])
    store = cast(AuditStore, current_app.extensions["audit"])
    if "device_id" not in page:
        return list_response(store.list(page, limit), key=None)
    return list_response(store.list_device({"after": None, **page}, limit), key="audit_event_id")
