"""Every limit on the time of a request, in seconds, and how they add up.

===================  ====  =======================================================
limit                s     what happens then
===================  ====  =======================================================
CONNECT_SECONDS      5     the pool has no free connection: 503
STATEMENT_SECONDS    10    PostgreSQL cancels the statement (``statement_timeout``): 503
ANSWER_SECONDS       12    PostgreSQL has not answered: the connection is closed, 503
REQUEST_SECONDS      24    the deadline of the whole request: 503
GRACEFUL_SECONDS     25    a worker that stops ends without its open requests
PLATFORM_SECONDS     30    Heroku and Railway end the request, or kill the process
===================  ====  =======================================================

A request with one statement ends within CONNECT_SECONDS + ANSWER_SECONDS. Each limit is below
the next one: 5 + 12 < 24 < 25 < 30. A test checks this order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 10
ANSWER_SECONDS = STATEMENT_SECONDS + 2
REQUEST_SECONDS = 24.0
GRACEFUL_SECONDS = 25
PLATFORM_SECONDS = 30

# A client that sends nothing in the middle of a request, or takes nothing of its response, for
# this long: 408, or the end of the connection.
SILENCE_SECONDS = 30.0

# A connection without a request. Routers keep theirs for up to 90 s (Heroku): the service must not
# be the first to close one, because a request may be on its way.
IDLE_SECONDS = 95

# How long a record waits for the transaction of its group. No group takes longer.
GROUP_SECONDS = 2 * (CONNECT_SECONDS + ANSWER_SECONDS)

# Asking the server to cancel what a connection waited for, before that connection is closed. It may
# follow the deadline of a request.
CANCEL_SECONDS = 0.8

# The rate limiter's statement. When it takes longer, the request is served without being counted.
RATE_LIMIT_SECONDS = 1.0

# Reading the valid tokens, with the wait for a connection. A request may wait for it.
TOKENS_SECONDS = 5.0

# The readiness probe, so that its client gets a response within 3 s; and how much of that it waits
# for a connection of the pool.
READINESS_SECONDS = 2.0
READINESS_POOL_SECONDS = 0.5

# The JSON file: waiting for its lock, and reading its events once.
FILE_LOCK_SECONDS = 5.0
FILE_READ_SECONDS = 10.0

# There is no deadline outside a request, so commands can take as long as they need.
_deadline: ContextVar[float] = ContextVar("_deadline", default=inf)


def start_request() -> None:
    """Set the deadline of this thread's request to REQUEST_SECONDS from now."""
    _deadline.set(monotonic() + REQUEST_SECONDS)


def end_request(_: object = None) -> None:
    """Remove the deadline from this thread."""
    _deadline.set(inf)


@contextmanager
def ending_within(seconds: float) -> Iterator[None]:
    """Set a deadline for this thread's waits inside the block, unless it has an earlier one."""
    before = _deadline.set(min(_deadline.get(), monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(before)


def deadline() -> float:
    """Return the deadline of this thread, as a ``time.monotonic`` time; infinite without one."""
    return _deadline.get()
