"""The Link header to the next page of a list, and the cursor in it.

A cursor is where a page ended. Rows that are added between two requests do not move it.
"""

import base64
from typing import TypeVar

import msgspec
from msgspec import Struct

from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.http.lists import next_page

End = TypeVar("End", bound=Struct)


def next_link(end: Struct) -> str:
    """Return the Link header to the page after ``end``, with the same filters."""
    cursor = base64.urlsafe_b64encode(msgspec.msgpack.encode(end)).decode()
    return next_page(offset=None, cursor=cursor)


def read_cursor(cursor: str | None, kind: type[End]) -> End | None:
    """Return the end of a page that next_link put into the cursor; None without a cursor.

    Raises Invalid when the cursor is not one of next_link.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Invalid(
            [problem(["query", "cursor"], "Must come from a Link header", "cursor")]
        ) from None
