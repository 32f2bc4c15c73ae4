"""Access to one PostgreSQL database: a bounded pool, bounded waits.

Every wait has an end. A connection is had within CONNECT_SECONDS, the server gives
up on a statement after STATEMENT_SECONDS, and when it has said nothing for
ANSWER_SECONDS (a frozen server keeps its sockets open) the connection is thrown away. All
waits of a request end with its deadline.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from telemetry import time_limits
from telemetry.config import EMBEDDED_DATABASE, Config, ConfigError, redact_url
from telemetry.database import statements
from telemetry.database.connection import Connection, configure, connection_settings
from telemetry.database.errors import (
    Collision,
    DatabaseNotConfigured,
    DatabaseUnavailable,
    translated_errors,
)
from telemetry.database.pool import live_connection, open_pool, session_options
from telemetry.time_limits import ANSWER_SECONDS, CONNECT_SECONDS, STATEMENT_SECONDS

# A deadlock or a serialization failure is the database asking for the same again.
ATTEMPTS = 3

SET_UP_TRANSACTION = statements.load("database/set_up_transaction")
BEGIN = statements.load("database/begin")
COMMIT = statements.load("database/commit")

Parameters = Mapping[str, Any]
Row = DictRow
T = TypeVar("T")


def check_urls(config: Config) -> None:
    """Raise ConfigError when libpq can't read a configured URL."""
    for name, url in (
        ("DATABASE_URL", config.database_url),
        ("RUNTIME_DATABASE_URL", config.runtime_database_url),
        (EMBEDDED_DATABASE, config.embedded_database_url),
    ):
        try:
            conninfo_to_dict(url or "")
        except psycopg.ProgrammingError:
            # libpq's own message may quote the password.
            raise ConfigError(
                name, repr(redact_url(url or "")), "a URL with parameters that libpq knows"
            ) from None


class Database:
    """The pool of one process. Connections are opened at the first use, so after the fork."""

    def __init__(self, url: str | None, *, pool_size: int, prepared_statements: bool) -> None:
        """Without a ``url`` there are no connections."""
        self._url = url
        self.pool_size = pool_size
        # A transaction pooler that keeps no prepared statements keeps no session settings either.
        self._has_session = prepared_statements
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = Lock()

    def fetch_all(
        self,
        statement: bytes,
        parameters: Parameters | None = None,
        *,
        prepare: bool | None = None,
        within: float | None = None,
    ) -> list[Row]:
        """Run one statement in a transaction of its own and return its rows.

        ``prepare=False`` has the statement planned for the very parameters given;
        ``within`` (seconds) bounds both the wait for a connection and that for the answer.
        Raises DatabaseUnavailable, DatabaseNotConfigured or IntegrityViolation.
        """

        def attempt() -> list[Row]:
            with self._connection(within) as connection:
                return connection.execute(statement, parameters, prepare=prepare).fetchall()

        return self._retried(attempt)

    def fetch_one(
        self,
        statement: bytes,
        parameters: Parameters | None = None,
        *,
        prepare: bool | None = None,
        within: float | None = None,
    ) -> Row | None:
        """Like fetch_all, for a statement of one row at the most."""
        rows = self.fetch_all(statement, parameters, prepare=prepare, within=within)
        return rows[0] if rows else None

    def transact(self, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """Run ``work`` in one transaction, again from its beginning after a collision.

        ``alone`` says that it is one statement, which takes no round trips to begin and commit.
        Raises what fetch_all raises, and whatever ``work`` does (then nothing is committed).
        """

        def attempt() -> T:
            with self._connection() as connection:
                if alone:
                    return work(connection)
                with connection.transaction():
                    return work(connection)

        return self._retried(attempt)

    def transact_pipelined(self, work: Callable[[Connection], T]) -> T:
        """Like transact, in few round trips.

        Statements are sent without waiting for the answers to those before them: the first go
        along with the transaction's beginning, and what follows the last fetch of ``work`` goes
        along with the commit.
        """

        def attempt() -> T:
            with self._taken_connection() as connection:
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

        return self._retried(attempt)

    def close(self) -> None:
        """Close the pool's connections."""
        if self._pool is not None:
            self._pool.close()

    def _retried(self, attempt: Callable[[], T]) -> T:
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
        with self._taken_connection(within) as connection:
            if self._has_session:
                yield connection
            else:
                with connection.transaction():
                    _set_up_transaction(connection)
                    yield connection

    @contextmanager
    def _taken_connection(self, within: float | None = None) -> Iterator[Connection]:
        pool = self._opened_pool()
        end = time_limits.deadline()
        left = end - monotonic()
        if left <= 0:
            raise DatabaseUnavailable("the time of the request is over")
        connection = live_connection(pool, min(within or CONNECT_SECONDS, left))
        connection.answer_seconds = within or ANSWER_SECONDS
        connection.end = end
        try:
            yield connection
        finally:
            pool.putconn(connection)

    def _opened_pool(self) -> ConnectionPool[Connection]:
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
