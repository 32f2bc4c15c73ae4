"""The pool of connections of one process, and taking a live one from it."""

from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from telemetry.time_limits import CONNECT_SECONDS

# Requests of this process that may wait for a connection; one more is told to come back.
MAX_WAITING = 1000

Connection = TypeVar("Connection", bound=psycopg.Connection[Any])


def session_options(own: str | None, statement_seconds: int) -> str:
    """Return the options of a connection: its ``own``, those of the URL, and ours.

    sql/database/set_up_transaction.sql says the same behind a transaction pooler.
    """
    options = [
        own,
        f"-c statement_timeout={statement_seconds}s",
        "-c TimeZone=UTC",
        "-c DateStyle=ISO",
        "-c extra_float_digits=1",
        "-c standard_conforming_strings=on",
        r"-c default_transaction_isolation=read\ committed",
        # An index serves every statement. While a table is new the planner takes a scan of
        # it for cheaper, and a prepared statement would keep that plan.
        "-c enable_seqscan=off",
        "-c jit=off",
    ]
    return " ".join(filter(None, options))


def open_pool(
    connection_class: type[Connection],
    settings: dict[str, Any],
    *,
    size: int,
    configure: Callable[[Connection], None],
) -> ConnectionPool[Connection]:
    """Open a pool of at most ``size`` connections, had within CONNECT_SECONDS or not at all."""
    return ConnectionPool(
        kwargs=settings,
        connection_class=connection_class,
        configure=configure,
        min_size=1,
        max_size=size,
        max_waiting=MAX_WAITING,
        timeout=CONNECT_SECONDS,
        # Give up soon: the next request then tries anew, at once, where the pool would
        # wait ever longer between its own attempts.
        reconnect_timeout=CONNECT_SECONDS,
        name="telemetry",
        open=True,
    )


def live_connection(pool: ConnectionPool[Connection], seconds: float) -> Connection:
    """Take a connection from the pool, leaving out those that a restart of the server closed.

    The pool's own check would pause between one dead connection and the next.
    """
    deadline = monotonic() + seconds
    while True:
        connection = pool.getconn(deadline - monotonic())
        if not _is_gone(connection):
            return connection
        pool.putconn(connection)  # which replaces it


def _is_gone(connection: psycopg.Connection[Any]) -> bool:
    """Tell, without a round trip, whether the server closed the connection while it was idle.

    The first read takes what the server said last, the second meets the end.
    """
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return False
