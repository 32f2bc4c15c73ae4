"""The HTTP side of the audit trail."""

from typing import cast

from flask import Blueprint, Response, current_app

from telemetry.answers import answer
from telemetry.audit.schema import DEFAULT_LIMIT, AuditQuerySchema
from telemetry.audit.store import AuditStore
from telemetry.query_args import read_query

blueprint = Blueprint("audit", __name__)

query_schema = AuditQuerySchema()


@blueprint.get("/api/v1/audit/events")
def query() -> Response:
    """Return a page of a tenant's audit rows, oldest first."""
    page = read_query(query_schema)
    limit = page.pop("limit", DEFAULT_LIMIT)
    store = cast(AuditStore, current_app.extensions["audit"])
    rows = store.query({"device_id": None, "after": None, **page, "row_limit": limit + 1})
    return answer({"items": rows[:limit], "has_more": len(rows) > limit})
