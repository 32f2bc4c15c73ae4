"""Connections and transactions without a time limit: for commands, never for a request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from telemetry.database.connection import (
    Connection,
    connect,
    find_distributed,
    set_up_transaction,
)
from telemetry.database.errors import translated_errors

# A server that goes away closes its sockets, which is noticed long before.
ANSWER_SECONDS = 24 * 3600.0

T = TypeVar("T")


def connect_without_time_limit(url: str) -> Connection:
    """Open a connection that waits as long as its server works. Raises psycopg.OperationalError."""
    connection = connect(url)
    connection.answer_seconds = ANSWER_SECONDS
    find_distributed(connection)
    return connection


def set_up_without_time_limit(connection: Connection) -> None:
    """Give the transaction the settings of the service's sessions, but no time limit."""
    set_up_transaction(connection, "0")


@contextmanager
def transaction_without_time_limit(
    connection: Connection, *, roll_back: bool = False
) -> Iterator[None]:
    """Hold a transaction open that is set up without a time limit.

    With ``roll_back`` it is rolled back at its end, whatever happens in it.
    """
    with connection.transaction(force_rollback=roll_back):
        set_up_without_time_limit(connection)
        yield


class UnlimitedTransactions:
    """Runs work as Database.transact does, but on one connection and without a time limit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def transact(self, work: Callable[[Connection], T], /) -> T:
        """Return what the work returns. Raises DatabaseUnavailable or IntegrityViolation."""
        with translated_errors(), transaction_without_time_limit(self._connection):
            return work(self._connection)
