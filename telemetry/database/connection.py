"""A connection to PostgreSQL that waits a bounded time for each response."""

from contextlib import AbstractContextManager, nullcontext, suppress
from math import inf
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import IsolationLevel
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from telemetry.database import statements
from telemetry.database.scale_out import ScaleOutCursor
from telemetry.database.sequences import catch_up
from telemetry.database.values import register_loaders
from telemetry.time_limits import ANSWER_SECONDS, CANCEL_SECONDS, CONNECT_SECONDS

# A connection that a NAT or a firewall dropped silently is noticed within a minute: idle, after
# 20 s and 3 probes in 30 s; else 30 s after what was sent is not acknowledged.
TCP_SETTINGS = {
    "keepalives": 1,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

T = TypeVar("T")

IS_DISTRIBUTED = statements.load("database/is_distributed")
SET_UP_TRANSACTION = statements.load("database/set_up_transaction")


class Connection(psycopg.Connection[DictRow]):
    """A connection that waits a bounded time for its server."""

    answer_seconds: float = ANSWER_SECONDS

    # Whether tables of the service are distributed over several servers, as far as was asked.
    is_distributed: bool = False

    # When all waits end, on the clock of ``time.monotonic``.
    deadline: float = inf

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait as psycopg does, but at most ``answer_seconds``, and not beyond ``deadline``."""
        try:
            seconds = timeout or min(self.answer_seconds, self.deadline - monotonic())
            return super().wait(gen, interval, seconds)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                # The server did not report this error, so the state of the connection is unknown.
                self._cancel_and_close()
            raise

    def place(self, *, is_distributed: bool) -> None:
        """Send what tables need that are distributed over several servers, or on one."""
        self.is_distributed = is_distributed
        self.cursor_factory = ScaleOutCursor if is_distributed else psycopg.Cursor

    def transaction_if_distributed(self) -> AbstractContextManager[object]:
        """Hold a transaction open where the work takes several statements instead of one."""
        return self.transaction() if self.is_distributed else nullcontext()

    def _cancel_and_close(self) -> None:
        """Close the connection, but first cancel what it waited for, if it is still open.

        A server does not notice that a client is gone while it waits itself, as a commit waits for
        a synchronous standby. Its process would stay, and the pool would open one more.
        """
        with suppress(Exception):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.pgconn.finish()


def connect(url: str, **settings: Any) -> Connection:
    """Open a connection outside the pool, for work that must not use a request's connection.

    ``settings`` are connection parameters, such as ``connect_timeout`` in seconds.
    Raises psycopg.OperationalError.
    """
    connection = Connection.connect(
        **{**connection_settings(url), "prepare_threshold": None, **settings}
    )
    configure(connection)
    return connection


def connection_settings(url: str) -> dict[str, Any]:
    """Return the parameters of every connection. Raises psycopg.ProgrammingError."""
    return {
        "application_name": "telemetry",
        "connect_timeout": CONNECT_SECONDS,
        **TCP_SETTINGS,
        **conninfo_to_dict(url),
        # A database or the environment may have another default.
        "client_encoding": "utf8",
        "autocommit": True,
        "row_factory": dict_row,
    }


def configure(connection: Connection) -> None:
    """Set up a connection, of the pool or outside of it."""
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    register_loaders(connection)


def find_distributed(connection: Connection) -> None:
    """Have the connection send what distributed tables need, if there are any."""
    row = connection.execute(IS_DISTRIBUTED, prepare=False).fetchone()
    place_new(connection, is_distributed=bool(row and row["is_distributed"]))


def place_new(connection: Connection, *, is_distributed: bool) -> None:
    """Have a new connection send what its tables need. Raises psycopg.Error."""
    connection.place(is_distributed=is_distributed)
    if is_distributed:
        catch_up(connection)


def set_up_transaction(connection: Connection, time_limit: str) -> None:
    """Set the transaction up as a session is, and have the connection send what its tables need.

    ``time_limit`` is that of each statement, such as 10s; 0: none.
    """
    row = connection.execute(SET_UP_TRANSACTION, {"time_limit": time_limit}).fetchone()
    connection.place(is_distributed=bool(row and row["is_distributed"]))
