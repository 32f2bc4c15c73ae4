"""The cursor that pages through the list of runs, and the Link header that carries it.

A cursor is the ``created_at`` and ``event_id`` of the last run of a page, in base64. Runs that are
added between two requests do not move it.
"""

import base64
from datetime import datetime
from urllib.parse import quote, urlencode

from flask import request

from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.timestamps import parse_utc


def next_link(created_at: str, event_id: str) -> str:
    """Return the Link header to the page after this run, with the same filters."""
    cursor = base64.urlsafe_b64encode(f"{created_at} {event_id}".encode())
    kept = {name: value for name, value in request.args.items() if name not in ("offset", "cursor")}
    # A request may lack a valid Host; then the link is relative to the request's URL.
    root = f"{request.scheme}://{request.host}" if request.host else ""
    query = urlencode({**kept, "cursor": cursor.decode()})
    return f'<{root}{quote(request.path)}?{query}>; rel="next"'


def read_cursor(cursor: str | None) -> tuple[datetime | None, str | None]:
    """Return the ``created_at`` and ``event_id`` of a cursor; both None without one.

    Raises Invalid when it is not a cursor of next_link.
    """
    if cursor is None:
        return None, None
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
        created_at, _, event_id = text.partition(" ")
        moment = parse_utc(created_at)
    except ValueError:
        raise Invalid(
            [problem(["query", "cursor"], "Must come from a Link header", "cursor")]
        ) from None
    return moment, event_id.replace("\0", "")
