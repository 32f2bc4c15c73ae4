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

# The rate limiter's statement. When it takes longer, the request is served without being counted.
RATE_LIMIT_SECONDS = 1.0

# The readiness probe, so that its client gets a response within 3 s.
READINESS_SECONDS = 2.0

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


def deadline() -> float:
    """Return the deadline of this request, as a ``time.monotonic`` time; infinite outside one."""
    return _deadline.get()
