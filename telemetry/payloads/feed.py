"""The query string and the response of a feed, which a follower polls with a cursor."""

from collections.abc import Callable
from typing import Annotated, Any

from flask import Response
from msgspec import Meta, Struct

from telemetry.database.lanes import LANES, WIDTH, FeedPage, Follower, Position
from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.http.responses import json_response
from telemetry.payloads.cursor import decode_cursor, encode_cursor
from telemetry.payloads.fields import Text
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import WholeNumber

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

# Asks for the cursor of this moment.
NOW = "now"


class FeedSchema(PayloadSchema):
    """The query string of a feed."""

    after = Text()
    limit = WholeNumber(min=1, max=MAX_LIMIT)


class Cursor(Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """What the text of a cursor holds: a position, and the feed that it belongs to."""

    feed: str
    numbers: list[Annotated[int, Meta(ge=0, lt=WIDTH)]]
    mark: str | None = None


def read_feed_query(
    query: dict[str, Any],
    feed: str,
    *,
    numbers: int = LANES,
    is_mark: Callable[[str], bool] = str.isprintable,
) -> Follower:
    """Return what a valid query string of FeedSchema asks for.

    Raises Invalid for an ``after`` that is not a cursor of this feed, with so many ``numbers`` and
    a mark that fits.
    """
    after, limit = query.get("after"), query.get("limit", DEFAULT_LIMIT)
    if after is None or after == NOW:
        return Follower(None, now=after == NOW, limit=limit)
    cursor = decode_cursor(after, Cursor)
    fits = cursor and cursor.feed == feed and len(cursor.numbers) == numbers
    if cursor and fits and (cursor.mark is None or is_mark(cursor.mark)):
        return Follower(Position((*cursor.numbers,), cursor.mark), now=False, limit=limit)
    message = f"Must be a cursor that this feed returned as next, or {NOW}"
    raise Invalid([problem(["query", "after"], message, "cursor")])


def page_response(feed: str, page: FeedPage) -> Response:
    """Return the response of a page, with the cursor after it."""
    cursor = Cursor(feed, [*page.position.numbers], page.position.mark)
    body = {"items": page.rows, "next": encode_cursor(cursor), "has_more": page.has_more}
    return json_response(body)
