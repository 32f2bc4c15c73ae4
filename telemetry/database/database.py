"""Running statements and transactions on one PostgreSQL database.

Every wait is bounded. The pool gives out a connection within CONNECT_SECONDS. The server cancels
a statement after STATEMENT_SECONDS. A frozen server keeps its sockets open but sends nothing:
after ANSWER_SECONDS its connection is closed. No wait goes beyond the request's deadline, but to
cancel what the closed connection waited for may take CANCEL_SECONDS more.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from random import uniform
from time import monotonic, sleep
from typing import Any, Protocol, TypeVar, cast

from psycopg import errors
from psycopg.rows import DictRow

from telemetry import time_limits
from telemetry.database import statements
from telemetry.database.connection import (
    Connection,
    configure,
    connection_settings,
    find_distributed,
    place_new,
    set_up_transaction,
)
from telemetry.database.connections import Connections
from telemetry.database.errors import (
    USE_NO_SESSION,
    Collision,
    DatabaseNotConfigured,
    DatabaseReadOnly,
    SessionNotKept,
    translated_errors,
)
from telemetry.database.objects import RawJsonLoader, object_row
from telemetry.database.pool import session_options
from telemetry.paging import Page, take_page
from telemetry.time_limits import CONNECT_SECONDS, READINESS_SECONDS, STATEMENT_SECONDS

# After a deadlock or a serialization failure the same transaction may well succeed. Without a pause
# it could take its locks again before the other one wakes up, and end in the same deadlock.
ATTEMPTS = 3
PAUSE_SECONDS = 0.05

# Rows of a page that the driver reads at once. All of them could take gigabytes, since one row may
# have 16 MiB; one by one, a list of 50 takes 1.13 of the CPU.
ROWS_AT_ONCE = 4

SESSION_OPTIONS_ARRIVED = statements.load("database/session_options_arrived")
BEGIN = statements.load("database/begin")
COMMIT = statements.load("database/commit")
LIMIT_LOCK_WAIT = statements.load("database/limit_lock_wait")

Parameters = Mapping[str, Any]
Row = DictRow
T = TypeVar("T")


class Transact(Protocol):
    """Runs work in one transaction, as Database.transact does."""

    def __call__(self, work: Callable[[Connection], T], /) -> T:
        """Return what the work returns."""


class Database:
    """Statements and transactions of one process on one database."""

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
        size = pool_size if url else 0
        self._connections = Connections(self._settings, self._set_up, size=size, name=name)

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
        seconds each, and leaves out the second attempt on a read-only database.
        Raises DatabaseUnavailable, DatabaseNotConfigured or IntegrityViolation.
        """

        def attempt() -> list[Row]:
            with self._connection(within) as connection:
                return connection.execute(statement, parameters, prepare=prepare).fetchall()

        return self._with_retries(attempt, renews=within is None)

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

    def fetch_page(
        self,
        statement: bytes,
        parameters: Parameters,
        *,
        limit: int,
        computed: tuple[str, ...] = (),
    ) -> Page[Any]:
        """Like fetch_all, for a page of a list: returns rows as objects, and whether more follow.

        The statement takes a ``row_limit``, which is one more than ``limit``. The page ends before
        ``limit`` when its rows are large: they are read in small parts, so that little more than
        the page is in memory. The fields of a row are the columns and the ``computed`` ones, which
        the caller fills. jsonb is not decoded. The statement is planned for the parameters given.
        """
        sent = {**parameters, "row_limit": limit + 1}

        def attempt() -> Page[Any]:
            with self._connection() as connection:
                cursor = connection.cursor(row_factory=partial(object_row, computed=computed))
                cursor.adapters.register_loader("jsonb", RawJsonLoader)
                rows = cast(Generator[Any], cursor.stream(statement, sent, size=ROWS_AT_ONCE))
                with closing(rows):
                    page = take_page(rows, limit)
                    if len(page.rows) == limit:
                        # To close a stream before its end would cancel the statement.
                        next(rows, None)
                    return page

        return self._with_retries(attempt)

    def transact(self, work: Callable[[Connection], T], *, one_statement: bool = False) -> T:
        """Run ``work`` in one transaction and return its result.

        After a deadlock or a serialization failure ``work`` runs again from its beginning, after a
        short pause.
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

        A statement is sent before the results of the statements before it have arrived. With a
        session, the first statements travel with the BEGIN. The statements after the last fetch of
        ``work`` travel with the COMMIT.
        """

        def attempt() -> T:
            with self._connections.take() as connection:
                try:
                    with connection.pipeline():
                        connection.execute(BEGIN)
                        if not self._has_session:
                            set_up_transaction(connection, f"{STATEMENT_SECONDS}s")
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

    def check(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction as requests do, for the readiness probe.

        All waits together end after READINESS_SECONDS. Raises what transact raises, and PoolInUse.
        """

        def attempt() -> T:
            with self._connections.take_for_probe() as connection, connection.transaction():
                if not self._has_session:
                    set_up_transaction(connection, f"{STATEMENT_SECONDS}s")
                return work(connection)

        with time_limits.ending_within(READINESS_SECONDS):
            return self._with_retries(attempt)

    def open_one(self, seconds: float) -> Connection:
        """Open a connection with the settings of the pool's, outside of it; the caller closes it.

        Each of its waits ends after ``seconds``. Raises psycopg.Error untranslated, and
        SessionNotKept.
        """
        return self._connections.open_one(seconds)

    def pool_statistics(self) -> dict[str, int]:
        """Return what psycopg_pool counts of this process's pool; empty before it opens."""
        return self._connections.statistics()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _with_retries(self, attempt: Callable[[], T], *, renews: bool = True) -> T:
        started, collisions = monotonic(), 0
        while True:
            try:
                with translated_errors():
                    return attempt()
            except Collision:
                collisions += 1
                if collisions == ATTEMPTS:
                    raise
                sleep(PAUSE_SECONDS * collisions * uniform(0.5, 1.5))
            except DatabaseReadOnly as error:
                # Perhaps only this connection is, since before a failover or a change of a setting.
                if not renews or not isinstance(error.__cause__, errors.ReadOnlySqlTransaction):
                    raise
                renews = False
                self._connections.renew(started)

    @contextmanager
    def _connection(self, within: float | None = None) -> Iterator[Connection]:
        with self._connections.take(within) as connection:
            if self._has_session:
                yield connection
            else:
                with connection.transaction():
                    set_up_transaction(connection, f"{STATEMENT_SECONDS}s")
                    yield connection

    def _settings(self) -> dict[str, Any]:
        if self._url is None:
            raise DatabaseNotConfigured("a PostgreSQL database is needed: set DATABASE_URL")
        settings = connection_settings(self._url)
        if self._has_session:
            settings["options"] = session_options(settings.get("options"), STATEMENT_SECONDS)
        else:
            settings["prepare_threshold"] = None
        return settings

    def _set_up(self, connection: Connection) -> None:
        """Set up a new connection. Raises SessionNotKept when its options did not arrive."""
        configure(connection)
        if self._has_session:
            connection.answer_seconds = min(connection.answer_seconds, CONNECT_SECONDS)
            row = connection.execute(
                SESSION_OPTIONS_ARRIVED, {"time_limit": f"{STATEMENT_SECONDS}s"}, prepare=False
            ).fetchone()
            if not (row and row["arrived"]):
                raise SessionNotKept(f"a pooler drops the options of connections; {USE_NO_SESSION}")
            place_new(connection, is_distributed=row["is_distributed"])
        else:
            find_distributed(connection)
