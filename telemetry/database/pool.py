"""Opening the pool of connections of one process, and taking a live connection from it."""

from collections.abc import Callable
from time import monotonic
from typing import Any, Self

import psycopg
from psycopg_pool import ConnectionPool

from telemetry.database.connection import Connection
from telemetry.database.errors import translated_errors
from telemetry.time_limits import CONNECT_SECONDS

# Requests of this process that may wait for a connection; one more gets a 503.
MAX_WAITING = 1000


def session_options(url_options: str | None, statement_seconds: int) -> str:
    """Return the options of a connection: those of the URL, then those of every session.

    Behind a transaction pooler sql/database/set_up_transaction.sql sets the same.
    """
    options = [
        url_options,
        f"-c statement_timeout={statement_seconds}s",
        "-c TimeZone=UTC",
        "-c DateStyle=ISO",
        "-c extra_float_digits=1",
        "-c standard_conforming_strings=on",
        r"-c default_transaction_isolation=read\ committed",
        # Every statement has an index. While a table is small the planner prefers to scan it,
        # and a prepared statement would keep that plan when the table has grown.
        "-c enable_seqscan=off",
        "-c jit=off",
    ]
    return " ".join(filter(None, options))


def open_pool(
    settings: dict[str, Any],
    *,
    size: int,
    set_up: Callable[[Connection], None],
    report: Callable[[Exception | None], None],
) -> ConnectionPool[Connection]:
    """Open a pool of at most ``size`` connections; to take one waits at most CONNECT_SECONDS.

    ``set_up`` prepares a new connection, or raises. ``report`` gets the outcome of each attempt to
    connect: the exception that stands for the error, or None. The pool logs why it has no
    connection, but does not pass it on.
    """

    class PoolConnection(Connection):
        @classmethod
        def connect(cls, conninfo: str = "", **settings: Any) -> Self:
            try:
                with translated_errors():
                    connection = super().connect(conninfo, **settings)
                    set_up_or_close(connection, set_up)
            except Exception as error:
                report(error)
                raise
            report(None)
            return connection

    return ConnectionPool(
        kwargs=settings,
        connection_class=PoolConnection,
        min_size=1,
        max_size=size,
        max_waiting=MAX_WAITING,
        timeout=CONNECT_SECONDS,
        # Short, so that the next request connects at once. The pool itself would wait
        # longer and longer between its attempts.
        reconnect_timeout=CONNECT_SECONDS,
        name="telemetry",
        open=True,
    )


def set_up_or_close(connection: Connection, set_up: Callable[[Connection], None]) -> None:
    """Set the connection up; close it when that fails."""
    try:
        set_up(connection)
    except BaseException:
        connection.close()
        raise


def live_connection(pool: ConnectionPool[Connection], seconds: float) -> Connection:
    """Take a connection from the pool, but none that a restart of the server closed.

    The pool's own check would pause after each dead connection.
    """
    deadline = monotonic() + seconds
    while True:
        connection = pool.getconn(deadline - monotonic())
        if not _is_closed(connection):
            return connection
        pool.putconn(connection)  # the pool replaces it


def _is_closed(connection: psycopg.Connection[Any]) -> bool:
    """Return, without a round trip, whether the server closed the connection while it was idle.

    The first read takes the server's last message, the second one finds the end.
    """
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return False
