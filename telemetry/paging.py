"""Pages of lists, bounded by rows and by bytes."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

import msgspec

# About what the rows of a page may take as JSON. A larger row is a page of its own.
MAX_PAGE_BYTES = 16 * 1024 * 1024

Row = TypeVar("Row")

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Page(NamedTuple, Generic[Row]):
    """The rows of a page, and whether more follow."""

    rows: list[Row]
    has_more: bool


def take_page(rows: Iterable[Row], limit: int) -> Page[Row]:
    """Return the first ``limit`` rows, or fewer when these would exceed MAX_PAGE_BYTES.

    Reads at most one row more than it returns, so ``rows`` should be an iterator.
    """
    page: list[Row] = []
    size = 0
    for row in rows:
        size += len(_encode(row))
        if len(page) == limit or (page and size > MAX_PAGE_BYTES):
            return Page(page, has_more=True)
        page.append(row)
    return Page(page, has_more=False)
