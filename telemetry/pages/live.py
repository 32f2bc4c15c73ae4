"""Pages that refresh by themselves, and cost next to nothing while nothing has changed.

A page has an ETag of change tokens and the minute: with the minute what moves by the clock alone
moves too, such as the last 24 hours and which runs are stale. A script asks for the page again
with it. An unchanged page is 304 after one statement for each domain that it shows. The tokens are
taken before the data is read, so a page is never older than its ETag says.

A token changes with everything that programs write through the API, and with nothing else. What a
DBA changes past it, such as events that are deleted, shows within a minute.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from time import time

from flask import Response, current_app, g, request

from telemetry import __version__
from telemetry.failures import Unavailable
from telemetry.http import browser, static_files
from telemetry.pages import render
from telemetry.pages.extension import pages

MINUTE = 60

# Files that change how a page looks and works.
LOOKS = ("telemetry.css", "telemetry.js")

View = Callable[..., Response]

# Takes the parts of the path as the view does, and returns what changes with what the page shows.
Tokens = Callable[..., list[str]]


def runs_change(**_: str) -> list[str]:
    """Return a token that changes with every run. Raises DatabaseUnavailable."""
    return [pages().runs.token()]


def device_change(tenant_id: str, device_id: str) -> list[str]:
    """Return a token that changes with this device. Raises DatabaseUnavailable."""
    return [pages().devices.token(tenant_id, device_id)]


def devices_change() -> list[str]:
    """Return a token that changes with every device. Raises DatabaseUnavailable."""
    return [pages().devices.all_token()]


def events_change() -> list[str]:
    """Return a token that changes with every runtime event. Raises DatabaseUnavailable."""
    events = pages().events
    return [events.token()] if events else []


def overview_change() -> list[str]:
    """Return the tokens of all domains; those of events that can't be read have a word for one.

    Raises DatabaseUnavailable for the database of runs and devices.
    """
    has_runs = current_app.extensions["persistence"].agent_runs.kind != "none"
    tokens = [*runs_change(), *devices_change()] if has_runs else []
    try:
        return [*tokens, *events_change()]
    except Unavailable:
        return [*tokens, "unavailable"]


def refreshing(tokens: Tokens) -> Callable[[View], View]:
    """Return a decorator of views whose page refreshes by itself, when the tokens change."""

    def decorate(view: View) -> View:
        @wraps(view)
        def respond(**names: str) -> Response:
            if browser.wants_json_only():
                return view(**names)
            tag = etag(tokens(**names))
            if request.if_none_match.contains_weak(tag):
                headers = {**render.HEADERS, **render.CACHING, "ETag": f'W/"{tag}"'}
                return Response(status=304, headers=headers)
            g.page_etag = tag
            response = view(**names)
            if response.status_code == 200:
                response.headers["ETag"] = f'W/"{tag}"'
            return response

        return respond

    return decorate


def etag(tokens: list[str]) -> str:
    """Return the tag of this address at this moment."""
    parts = [
        request.full_path,
        __version__,
        *(static_files.version(render.static(name)) for name in LOOKS),
        str(int(time()) // MINUTE),
        *tokens,
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
