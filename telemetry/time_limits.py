"""Every limit on the time of a request, in seconds, and how they add up.

===================  ====  =======================================================
wait                 s     what ends it
===================  ====  =======================================================
CONNECT_SECONDS      5     no connection from the pool: 503
STATEMENT_SECONDS    10    PostgreSQL cancels the statement (``statement_timeout``): 503
ANSWER_SECONDS       12    PostgreSQL has not said a word: connection thrown away, 503
REQUEST_SECONDS      24    the deadline of the whole request: 503
GRACEFUL_SECONDS     25    a stopping worker no longer waits for its requests
PLATFORM_SECONDS     30    Heroku and Railway give up on a request, and kill a process
===================  ====  =======================================================

A request with one statement ends within CONNECT_SECONDS + ANSWER_SECONDS. Each limit is below
the next one: 5 + 12 < 24 < 25 < 30. Raise one of them here, and a test checks the order.
"""

from contextvars import ContextVar
from math import inf
from time import monotonic

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 10
ANSWER_SECONDS = STATEMENT_SECONDS + 2
REQUEST_SECONDS = 24.0
GRACEFUL_SECONDS = 25
PLATFORM_SECONDS = 30

# A record that shares its group's transaction waits for it: longer than any group takes.
GROUP_SECONDS = 2 * (CONNECT_SECONDS + ANSWER_SECONDS)

# The rate limiter's statement. When it takes longer, the request goes on uncounted.
RATE_LIMIT_SECONDS = 1.0

# The readiness probe, so that a poller has its response within 3 s.
READINESS_SECONDS = 2.0

# The JSON file: the wait for its lock, and one read of its events.
FILE_LOCK_SECONDS = 5.0
FILE_READ_SECONDS = 10.0

# Outside of a request there is no deadline: commands may take their time.
_deadline: ContextVar[float] = ContextVar("_deadline", default=inf)


def start_request() -> None:
    """Start the request's clock: its deadline is REQUEST_SECONDS from this moment."""
    _deadline.set(monotonic() + REQUEST_SECONDS)


def end_request(_: object = None) -> None:
    """Stop the clock, so that what this thread does next has no deadline."""
    _deadline.set(inf)


def deadline() -> float:
    """Return when the waits of this request end, on the clock of ``time.monotonic``."""
    return _deadline.get()
