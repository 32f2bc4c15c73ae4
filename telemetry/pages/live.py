"""Pages that refresh by themselves, and cost next to nothing while nothing has changed.

A page has an ETag of the change token and the minute: with the minute what moves by the clock
alone moves too, such as the last 24 hours. A script asks for the page again with it. An unchanged
page is 304 after one statement. The token is taken before the data is read, so a page is never
older than its ETag says.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from time import time
from typing import Any

from flask import Response, g, request

from telemetry import __version__
from telemetry.http import browser
from telemetry.pages import render
from telemetry.pages.extension import pages

MINUTE = 60

# Files that change how a page looks and works.
LOOKS = ("telemetry.css", "telemetry.js")

View = Callable[..., Response]


def refreshing(view: View) -> View:
    """Return a view whose page refreshes by itself."""

    @wraps(view)
    def respond(*args: Any, **kwargs: Any) -> Response:
        if browser.wants_json_only():
            return view(*args, **kwargs)
        tag = etag()
        if request.if_none_match.contains_weak(tag):
            headers = {**render.HEADERS, **render.CACHING, "ETag": f'W/"{tag}"'}
            return Response(status=304, headers=headers)
        g.page_etag = tag
        response = view(*args, **kwargs)
        if response.status_code == 200:
            response.headers["ETag"] = f'W/"{tag}"'
        return response

    return respond


def etag() -> str:
    """Return the tag of this address at this moment. Raises DatabaseUnavailable."""
    parts = [
        request.full_path,
        __version__,
        *(render.static(name)[1] for name in LOOKS),
        str(int(time()) // MINUTE),
        *pages().tokens(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
