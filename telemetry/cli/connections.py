"""Connections for commands, whose statements may take as long as they need."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

from telemetry.config import Config
from telemetry.database.connection import Connection, connect
from telemetry.database.database import SET_UP_TRANSACTION
from telemetry.database.errors import translated_errors
from telemetry.persistence import resolve

# A server that goes away closes its sockets, which is noticed long before.
NO_TIME_LIMIT = 24 * 3600.0

T = TypeVar("T")


def audio_runtime_url(config: Config) -> str:
    """Return the URL of the audio runtime's database. Raises ClickException without one."""
    return require_url(resolve(config).audio_runtime.url)


def require_url(url: str | None) -> str:
    """Return the URL of a database. Raises ClickException when none is configured."""
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    return url


def connect_without_time_limit(url: str) -> Connection:
    """Open a connection that waits as long as its server works. Raises psycopg.OperationalError."""
    connection = connect(url)
    connection.answer_seconds = NO_TIME_LIMIT
    return connection


@contextmanager
def transaction_without_time_limit(
    connection: Connection, *, roll_back: bool = False
) -> Iterator[None]:
    """Hold a transaction open with the settings of the service's sessions, but no time limit.

    With ``roll_back`` it is rolled back at its end, whatever happens in it.
    """
    with connection.transaction(force_rollback=roll_back):
        connection.execute(SET_UP_TRANSACTION, {"time_limit": "0"})
        yield


class UnlimitedTransactions:
    """Runs work as Database.transact does, but on one connection and without a time limit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def transact(self, work: Callable[[Connection], T], /) -> T:
        """Return what the work returns. Raises DatabaseUnavailable or IntegrityViolation."""
        with translated_errors(), transaction_without_time_limit(self._connection):
            return work(self._connection)
