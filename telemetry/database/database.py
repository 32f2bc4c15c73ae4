"""Running statements and transactions on one PostgreSQL database.

Every wait is bounded. The pool gives out a connection within CONNECT_SECONDS. The server cancels
a statement after STATEMENT_SECONDS. A frozen server keeps its sockets open but sends nothing:
after ANSWER_SECONDS its connection is closed. No wait goes beyond the request's deadline.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from psycopg import errors
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from telemetry import time_limits
from telemetry.counters import IN_USE, USE_SECONDS, WAIT_SECONDS
from telemetry.database import statements
from telemetry.database.connection import Connection, configure, connection_settings
from telemetry.database.errors import (
    Collision,
    DatabaseNotConfigured,
    DatabaseUnavailable,
    translated_errors,
)
from telemetry.database.objects import RawJsonLoader, object_row
from telemetry.database.pool import live_connection, open_pool, session_options
from telemetry.time_limits import ANSWER_SECONDS, CONNECT_SECONDS, STATEMENT_SECONDS

# After a deadlock or a serialization failure the same transaction may well succeed.
ATTEMPTS = 3

SET_UP_TRANSACTION = statements.load("database/set_up_transaction")
BEGIN = statements.load("database/begin")
COMMIT = statements.load("database/commit")

Parameters = Mapping[str, Any]
Row = DictRow
T = TypeVar("T")


class Database:
    """The pool of one process. It opens at the first use, which is after the fork."""

    def __init__(
        self,
        url: str | None,
        *,
        pool_size: int,
        prepared_statements: bool,
        name: str = "records",
    ) -> None:
        """Take the URL; without one, every method raises DatabaseNotConfigured.

        ``name`` is one of counters.DATABASES.
        """
        self._url = url
        self.pool_size = pool_size
        # False behind a transaction pooler, which keeps no session settings either.
        self._has_session = prepared_statements
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = Lock()
        self._in_use, self._use_seconds = IN_USE.at(name), USE_SECONDS.at(name)
        self._observe_wait = WAIT_SECONDS.observer(name)
        self._in_use.clear()

    def fetch_all(
        self,
        statement: bytes,
        parameters: Parameters | None = None,
        *,
        prepare: bool | None = None,
        within: float | None = None,
    ) -> list[Row]:
        """Run one statement in its own transaction and return its rows.

        ``prepare=False`` makes the server plan the statement for these parameters. ``within``
        limits first the wait for a connection, then the wait for the server, to this many
        seconds each. Raises DatabaseUnavailable, DatabaseNotConfigured or IntegrityViolation.
        """

        def attempt() -> list[Row]:
            with self._connection(within) as connection:
                return connection.execute(statement, parameters, prepare=prepare).fetchall()

        return self._with_retries(attempt)

    def fetch_one(
        self,
        statement: bytes,
        parameters: Parameters | None = None,
        *,
        prepare: bool | None = None,
        within: float | None = None,
    ) -> Row | None:
        """Return the only row, or None. Otherwise like fetch_all."""
        rows = self.fetch_all(statement, parameters, prepare=prepare, within=within)
        return rows[0] if rows else None

    def fetch_objects(
        self, statement: bytes, parameters: Parameters, *, computed: tuple[str, ...] = ()
    ) -> list[Any]:
        """Like fetch_all, for many rows that go into a response: each is an object.

        Its fields are the columns and the ``computed`` ones, which the caller fills. jsonb is not
        decoded. The statement is planned for the parameters given.
        """

        def attempt() -> list[Any]:
            with self._connection() as connection:
                cursor = connection.cursor(row_factory=partial(object_row, computed=computed))
                cursor.adapters.register_loader("jsonb", RawJsonLoader)
                return cursor.execute(statement, parameters, prepare=False).fetchall()

        return self._with_retries(attempt)

    def transact(self, work: Callable[[Connection], T], *, one_statement: bool = False) -> T:
        """Run ``work`` in one transaction and return its result.

        After a deadlock or a serialization failure ``work`` runs again from its beginning.
        ``one_statement`` promises that ``work`` runs one statement, so BEGIN and COMMIT are left
        out.
        Raises what fetch_all raises, and what ``work`` raises; then nothing is committed.
        """

        def attempt() -> T:
            with self._connection() as connection:
                if one_statement:
                    return work(connection)
                with connection.transaction():
                    return work(connection)

        return self._with_retries(attempt)

    def transact_pipelined(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` like transact does, in fewer round trips.

        A statement is sent before the results of the statements before it have arrived. The
        first statements travel with the BEGIN. The statements after the last fetch of ``work``
        travel with the COMMIT.
        """

        def attempt() -> T:
            with self._pool_connection() as connection:
                try:
                    with connection.pipeline():
                        connection.execute(BEGIN)
                        if not self._has_session:
                            _set_up_transaction(connection)
                        result = work(connection)
                        ended = connection.execute(COMMIT)
                except BaseException:
                    if not connection.closed:
                        connection.rollback()
                    raise
                if ended.statusmessage != "COMMIT":
                    raise errors.InFailedSqlTransaction("the transaction was not committed")
                return result

        return self._with_retries(attempt)

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.close()

    def _with_retries(self, attempt: Callable[[], T]) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                with translated_errors():
                    return attempt()
            except Collision:
                continue
        with translated_errors():
            return attempt()

    @contextmanager
    def _connection(self, within: float | None = None) -> Iterator[Connection]:
        with self._pool_connection(within) as connection:
            if self._has_session:
                yield connection
            else:
                with connection.transaction():
                    _set_up_transaction(connection)
                    yield connection

    @contextmanager
    def _pool_connection(self, within: float | None = None) -> Iterator[Connection]:
        pool = self._open_pool()
        deadline = time_limits.deadline()
        asked = monotonic()
        left = deadline - asked
        if left <= 0:
            raise DatabaseUnavailable("the deadline of the request has passed")
        connection = live_connection(pool, min(within or CONNECT_SECONDS, left))
        connection.answer_seconds = within or ANSWER_SECONDS
        connection.deadline = deadline
        taken = monotonic()
        self._observe_wait(taken - asked)
        self._in_use.add()
        try:
            yield connection
        finally:
            self._in_use.add(-1)
            self._use_seconds.add(monotonic() - taken)
            pool.putconn(connection)

    def _open_pool(self) -> ConnectionPool[Connection]:
        if self._pool is None:
            with self._opening:
                if self._pool is None:
                    self._pool = self._new_pool()
        return self._pool

    def _new_pool(self) -> ConnectionPool[Connection]:
        if self._url is None:
            raise DatabaseNotConfigured("a PostgreSQL database is needed: set DATABASE_URL")
        settings = connection_settings(self._url)
        if self._has_session:
            settings["options"] = session_options(settings.get("options"), STATEMENT_SECONDS)
        else:
            settings["prepare_threshold"] = None
        return open_pool(Connection, settings, size=self.pool_size, configure=configure)


def _set_up_transaction(connection: Connection) -> None:
    connection.execute(SET_UP_TRANSACTION, {"time_limit": f"{STATEMENT_SECONDS}s"})
