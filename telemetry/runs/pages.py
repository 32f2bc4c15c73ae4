"""What may be asked of the list of runs, and the cursor that pages through it."""

import base64
import binascii
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import request

from telemetry.database.database import Row
from telemetry.http.errors import ApiError, Invalid, problem
from telemetry.payloads.fields import Choice, Text
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import Moment, WholeNumber, read_query
from telemetry.runs.schema import STATUS_ALIASES, STATUSES
from telemetry.timestamps import parse_utc

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

# Answered with 400, as clients of the list know it; the rest is 422.
BAD_REQUEST_KINDS = ("enum", "datetime_parsing")


class RunQuerySchema(PayloadSchema):
    """The query string of the list of runs."""

    agent_name = Text()
    status = Choice(STATUSES, STATUS_ALIASES)
    job_type = Text()
    run_id = Text()
    parent_run_id = Text()
    created_before = Moment()
    created_after = Moment()
    start_time_from = Moment()
    start_time_to = Moment()
    limit = WholeNumber(min=1, max=MAX_LIMIT)
    offset = WholeNumber(min=0, max=2**62)
    cursor = Text()


_schema = RunQuerySchema()


def read_filters() -> tuple[dict[str, Any], int]:
    """Return the parameters of ``sql/runs/list.sql`` that the request asks for, and its limit.

    Raises ApiError 400 for a bad status or timestamp, Invalid for anything else.
    """
    try:
        query = read_query(_schema)
    except Invalid as invalid:
        bad = [it for it in invalid.problems if it["type"] in BAD_REQUEST_KINDS]
        if bad:
            detail = "; ".join(f"Invalid {it['loc'][-1]}: {it['msg']}" for it in bad)
            raise ApiError(400, detail) from invalid
        raise
    limit = query.pop("limit", DEFAULT_LIMIT)
    created_at, event_id = _read_cursor(query.pop("cursor", None))
    absent = dict.fromkeys(set(_schema.fields) - {"limit", "offset", "cursor"})
    return {
        **absent,
        **query,
        "cursor_created_at": created_at,
        "cursor_event_id": event_id,
        "row_limit": limit + 1,
        "row_offset": query.pop("offset", 0),
    }, limit


def next_link(last: Row) -> str:
    """Return the Link header to the page after the run ``last``, with the same filters."""
    cursor = base64.urlsafe_b64encode(f"{last['created_at']} {last['event_id']}".encode())
    kept = {name: value for name, value in request.args.items() if name not in ("offset", "cursor")}
    # Without a host that could be one, the link is relative to the request's URL.
    root = f"{request.scheme}://{request.host}" if request.host else ""
    query = urlencode({**kept, "cursor": cursor.decode()})
    return f'<{root}{quote(request.path)}?{query}>; rel="next"'


def _read_cursor(cursor: str | None) -> tuple[datetime | None, str | None]:
    if cursor is None:
        return None, None
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
        created_at, _, event_id = text.partition(" ")
        moment = parse_utc(created_at)
    except (ValueError, binascii.Error):
        raise Invalid(
            [problem(["query", "cursor"], "Must come from a Link header", "cursor")]
        ) from None
    return moment, event_id.replace("\0", "")
