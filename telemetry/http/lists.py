"""The response of a list that pages by a key of its rows, and the Link header to the next page."""

from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request

from telemetry.http.responses import json_response
from telemetry.paging import Page


def list_response(page: Page[Any], *, key: str | None) -> Response:
    """Return the page as ``items`` and ``has_more``.

    ``key`` is the column whose value in the last row is ``after`` for the next page. None: there
    is no next page.
    """
    link = None
    if page.has_more and key:
        link = {"Link": next_page(after=getattr(page.rows[-1], key))}
    return json_response({"items": page.rows, "has_more": page.has_more}, headers=link)


def next_page(**changed: str | int | None) -> str:
    """Return the Link header to this request's URL with ``changed`` parameters; None removes one.

    It is relative, because behind a proxy the service does not know its own address.
    """
    parameters = {**request.args, **changed}
    query = urlencode({name: it for name, it in parameters.items() if it is not None})
    return f'<{quote(request.path)}?{query}>; rel="next"'
