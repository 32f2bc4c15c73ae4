"""The connections of one process to one database, for requests and for the readiness probe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from telemetry import time_limits
from telemetry.counters import FAILED_WAITS, IN_USE, MOST_CONNECTIONS, USE_SECONDS, WAIT_SECONDS
from telemetry.database.connection import Connection
from telemetry.database.errors import (
    DatabaseUnavailable,
    OutOfConnections,
    cause_of,
    translate,
)
from telemetry.database.pool import live_connection, open_pool, set_up_or_close
from telemetry.time_limits import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    READINESS_POOL_SECONDS,
    READINESS_SECONDS,
)

# While a database is read-only, its connections are renewed at most this often.
RENEW_SECONDS = 0.25


class PoolInUse(DatabaseUnavailable):
    """Requests use every connection of the pool, and the server has none left for a probe."""


class Connections:
    """A pool that opens at the first use, which is after the fork."""

    def __init__(
        self,
        settings: Callable[[], dict[str, Any]],
        set_up: Callable[[Connection], None],
        *,
        size: int,
        name: str,
    ) -> None:
        """``settings`` returns the parameters of a connection; ``set_up`` prepares a new one.

        ``name`` is one of counters.DATABASES.
        """
        self._settings = settings
        self._set_up = set_up
        self._size = size
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = Lock()
        self._taken_at: dict[Connection, float] = {}
        self._count_in_use, self._use_seconds = IN_USE.at(name), USE_SECONDS.at(name)
        self._observe_wait, self._failed_waits = WAIT_SECONDS.observer(name), FAILED_WAITS.at(name)
        self._count_in_use.set(0)
        MOST_CONNECTIONS.at(name).set(size)
        self._failure: Exception | None = None
        self._renewing = Lock()
        self._renewed_at = float("-inf")

    @contextmanager
    def take(self, within: float | None = None) -> Iterator[Connection]:
        """Take a connection of the pool and give it back.

        ``within`` limits the wait for it, then each wait for the server, to this many seconds.
        Raises psycopg.Error, or what stands for the reason why the pool has none.
        """
        try:
            connection = self._from_pool(within)
        except (PoolTimeout, TooManyRequests) as error:
            self._failed_waits.add()
            raise self._reason(error) from error
        try:
            yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def take_for_probe(self) -> Iterator[Connection]:
        """Take a connection of the pool, or open one more while requests use them all.

        The additional one has the same settings, and is closed after its use. Raises what take
        raises, and PoolInUse.
        """
        give_back: Callable[[Connection], None] = self._give_back
        try:
            connection = self._from_pool(READINESS_POOL_SECONDS)
            connection.answer_seconds = READINESS_SECONDS
        except (PoolTimeout, TooManyRequests):
            connection, give_back = self._additional(), Connection.close
        try:
            yield connection
        finally:
            give_back(connection)

    def open_one(self, seconds: float) -> Connection:
        """Open a connection as the pool opens its own, which the caller closes.

        Each of its waits ends after ``seconds``. Raises psycopg.OperationalError, and what the set
        up of a connection raises.
        """
        settings = {**self._settings(), "connect_timeout": int(seconds)}
        connection = Connection.connect(**settings)
        connection.answer_seconds = seconds
        connection.deadline = time_limits.deadline()
        set_up_or_close(connection, self._set_up)
        return connection

    def renew(self, since: float) -> None:
        """Have the pool replace its connections, unless that happened after ``since``.

        A connection keeps what its server and its role were when it was opened. ``since`` is on
        the clock of ``time.monotonic``.
        """
        with self._renewing:
            if self._renewed_at < since:
                sleep(max(0.0, self._renewed_at + RENEW_SECONDS - monotonic()))
                self._open_pool().drain()
                self._renewed_at = monotonic()

    def statistics(self) -> dict[str, int]:
        """Return what psycopg_pool counts of the pool; empty before it opens."""
        return {} if self._pool is None else self._pool.get_stats()

    def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            self._pool.close()

    def _from_pool(self, within: float | None) -> Connection:
        pool = self._open_pool()
        deadline = time_limits.deadline()
        asked_at = monotonic()
        left = deadline - asked_at
        if left <= 0:
            raise DatabaseUnavailable("the deadline of the request has passed")
        try:
            connection = live_connection(pool, min(within or CONNECT_SECONDS, left))
        finally:
            taken_at = monotonic()
            self._observe_wait(taken_at - asked_at)
        connection.answer_seconds = within or ANSWER_SECONDS
        connection.deadline = deadline
        self._taken_at[connection] = taken_at
        self._count_in_use.add()
        return connection

    def _give_back(self, connection: Connection) -> None:
        self._count_in_use.add(-1)
        self._use_seconds.add(monotonic() - self._taken_at.pop(connection))
        self._open_pool().putconn(connection)

    def _additional(self) -> Connection:
        try:
            return self.open_one(READINESS_SECONDS)
        except psycopg.OperationalError as error:
            if self._taken_at and isinstance(translate(error), OutOfConnections):
                raise PoolInUse(cause_of(error)) from error
            raise

    def _reason(self, error: psycopg.Error) -> Exception:
        """Return why the pool has no connection: the last failure to connect, if it persists."""
        failure = self._failure
        if isinstance(failure, DatabaseUnavailable):
            return type(failure)(f"{cause_of(error)}: {failure}")
        return DatabaseUnavailable(cause_of(error))

    def _open_pool(self) -> ConnectionPool[Connection]:
        if self._pool is None:
            with self._opening:
                if self._pool is None:
                    self._pool = open_pool(
                        self._settings(), size=self._size, set_up=self._set_up, report=self._report
                    )
        return self._pool

    def _report(self, failure: Exception | None) -> None:
        self._failure = failure
