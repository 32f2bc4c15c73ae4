"""Reading several things at the same time, two at a time, each on a connection of its own.

A page of a month reads a million rows for each of two panels. A database with two cores reads both
in little more than the time of one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

# More would take the connections that the other requests of the process need.
CONNECTIONS = 2


def together(**readers: Callable[[], Any]) -> dict[str, Any]:
    """Return the result of each reader by its name. Raises what the first that fails raises.

    Each has the deadline of the request. With gevent the threads are greenlets.
    """
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        started = {name: threads.submit(copy_context().run, it) for name, it in readers.items()}
        return {name: it.result() for name, it in started.items()}
