"""Waiting for the database in one of gevent's greenlets.

psycopg waits by a ``select.poll`` that gevent has put in the place of the system's, and that
takes, even where the socket is ready already, longer than all else that a statement takes of
the process. A socket that is written to nearly always is; what else there is to wait for is
said to gevent directly. Only to be imported where gevent serves the process.
"""

from time import monotonic
from typing import TypeVar

from gevent.monkey import get_original
from gevent.socket import wait_read, wait_readwrite
from psycopg import OperationalError
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

T = TypeVar("T")

_poll, _IN, _OUT = get_original("select", ["poll", "POLLIN", "POLLOUT"])

_ASKED = {Wait.R: _IN, Wait.W: _OUT, Wait.RW: _IN | _OUT}
_FOUND = {_IN: Ready.R, _OUT: Ready.W}


def wait(gen: PQGen[T], fileno: int, seconds: float) -> T:
    """Run one of psycopg's generators to its end, as its own wait functions do.

    Raises OperationalError when it is not at its end after ``seconds``.
    """
    deadline = monotonic() + seconds
    try:
        wanted = next(gen)
        while True:
            ready = Ready.NONE if wanted == Wait.R else _ready(fileno, wanted)
            if not ready:
                until = wait_read if wanted == Wait.R else wait_readwrite
                until(fileno, max(deadline - monotonic(), 0), _too_late())
                ready = Ready.R if wanted == Wait.R else _ready(fileno, wanted)
            wanted = gen.send(ready)
            if monotonic() >= deadline:
                raise _too_late()
    except StopIteration as end:
        result: T = end.value
        return result


def _ready(fileno: int, wanted: Wait) -> Ready:
    """Return what the socket is ready for now."""
    poll = _poll()
    poll.register(fileno, _ASKED[wanted])
    # Anything else, such as a hang-up, is for both the reader and the writer to find.
    return next((_FOUND.get(events, Ready.RW) for _, events in poll.poll(0)), Ready.NONE)


def _too_late() -> OperationalError:
    return OperationalError("the database does not answer in time")
