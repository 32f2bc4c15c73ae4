"""Cursors: where a page ended, as a text. That of a list is in the Link header to its next page.

Rows that are added between two requests do not move a cursor. Its text is no secret, so a client
may have made one.
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
    return next_page(offset=None, cursor=encode_cursor(end))


def read_cursor(cursor: str | None, kind: type[End]) -> End | None:
    """Return the end of a page that next_link put into the cursor; None without a cursor.

    Raises Invalid when the cursor is not one of next_link.
    """
    if cursor is None:
        return None
    end = decode_cursor(cursor, kind)
    if end is None:
        raise Invalid([problem(["query", "cursor"], "Must come from a Link header", "cursor")])
    return end


def encode_cursor(end: Struct) -> str:
    """Return the text of a cursor."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(end)).decode()


def decode_cursor(cursor: str, kind: type[End]) -> End | None:
    """Return what encode_cursor put into the text; None when it did not make the text."""
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
