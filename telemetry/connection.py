"""A connection to PostgreSQL that waits a bounded time for each answer."""

import sys
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import IsolationLevel
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from telemetry.connection_pool import CONNECT_SECONDS
from telemetry.database_values import register_loaders

# Enforced by the server, and by us when it has said nothing for longer still.
STATEMENT_SECONDS = 10
ANSWER_SECONDS = STATEMENT_SECONDS + 2

T = TypeVar("T")


class _Wait(Protocol):
    def __call__(self, gen: PQGen[T], fileno: int, seconds: float) -> T: ...


def _greenlets_wait() -> _Wait | None:
    """Return how gunicorn's workers wait; None in a process that gevent does not serve."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("select"):
        return None
    from telemetry.greenlet_wait import wait  # noqa: PLC0415 - it takes gevent

    return wait


_wait_in_greenlet = _greenlets_wait()


class Connection(psycopg.Connection[DictRow]):
    """A connection that waits a bounded time for its server to answer."""

    answer_seconds: float = ANSWER_SECONDS

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait as psycopg does, but not beyond ``answer_seconds``."""
        seconds = timeout or self.answer_seconds
        try:
            if _wait_in_greenlet:
                return _wait_in_greenlet(gen, self.pgconn.socket, seconds)
            return super().wait(gen, interval, seconds)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                # Not the server's word: nobody knows where the conversation stands.
                self.pgconn.finish()
            raise


def connect(url: str, **settings: Any) -> Connection:
    """Open a connection outside the pool, for what must not take a request's.

    ``settings`` are connection parameters, such as ``connect_timeout`` in seconds.
    Raises psycopg.OperationalError.
    """
    parameters = {
        "application_name": "telemetry",
        "connect_timeout": CONNECT_SECONDS,
        **conninfo_to_dict(url),
        **settings,
    }
    connection = Connection.connect(
        autocommit=True, row_factory=dict_row, prepare_threshold=None, **parameters
    )
    configure(connection)
    return connection


def configure(connection: Connection) -> None:
    """Set what every connection has, of the pool and outside of it."""
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    register_loaders(connection)
