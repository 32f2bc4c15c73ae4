"""The HTTP side of the audit trail."""

from typing import cast

from flask import Blueprint, Response, current_app

from telemetry.answers import answer
from telemetry.audit.schema import DEFAULT_LIMIT, AuditQuerySchema
from telemetry.audit.store import AuditStore
from telemetry.query_args import needs, read_query

blueprint = Blueprint("audit", __name__)

query_schema = AuditQuerySchema()


@blueprint.get("/api/v1/audit/events")
def query() -> Response:
    """Return the first of a tenant's audit rows, or a page of those of one device."""
    page = read_query(query_schema)
    needs(page, "after", "device_id", "order is promised within a device")
    limit = page.pop("limit", DEFAULT_LIMIT)
    page["row_limit"] = limit + 1
    store = cast(AuditStore, current_app.extensions["audit"])
    of_device = "device_id" in page
    rows = store.query_device({"after": None, **page}) if of_device else store.query(page)
    return answer({"items": rows[:limit], "has_more": len(rows) > limit})
