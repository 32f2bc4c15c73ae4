"""The end that all waits of a request have together.

A request may make several calls of the database, each of which may wait. Platforms give up on
an answer after 30 s, and a process that is asked to stop has 25 s: so a request ends before.
"""

from contextvars import ContextVar
from math import inf
from time import monotonic

from flask import Flask, Response

REQUEST_SECONDS = 24.0

# Outside of a request there is none: commands may take their time.
_end: ContextVar[float] = ContextVar("_end", default=inf)


def init_app(app: Flask) -> None:
    """Give each request its time."""
    app.before_request(start)
    app.after_request(_clear)


def start() -> None:
    """Let the request's time begin, anew when its body is there: a client may be slow to send."""
    _end.set(monotonic() + REQUEST_SECONDS)


def at_most(seconds: float) -> float:
    """Return the seconds that are left, at the most as many as given; below 0 when it is over."""
    left = _end.get() - monotonic()
    return left if left < seconds else seconds


def _clear(response: Response) -> Response:
    _end.set(inf)
    return response
