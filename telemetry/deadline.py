"""The end that all waits of a request have together.

A request may make several calls of the database, each of which may wait. Platforms give up on
an answer after 30 s, and a process that is asked to stop has 25 s: so a request ends before.
"""

from contextvars import ContextVar
from math import inf
from time import monotonic

from flask import Flask

REQUEST_SECONDS = 24.0

# Outside of a request there is none: commands may take their time.
_end: ContextVar[float] = ContextVar("_end", default=inf)


def init_app(app: Flask) -> None:
    """Give each request its time."""
    app.before_request(start)
    app.teardown_request(_clear)


def start() -> None:
    """Let the request's time begin, anew when its body is there: a client may be slow to send."""
    _end.set(monotonic() + REQUEST_SECONDS)


def end() -> float:
    """Return when the request's time is over, by the monotonic clock."""
    return _end.get()


def _clear(_: BaseException | None) -> None:
    _end.set(inf)
