"""Connections for commands whose statements may take as long as they need."""

from collections.abc import Callable
from typing import TypeVar

import click

from telemetry.config import Config
from telemetry.database.connection import Connection, connect
from telemetry.database.database import SET_UP_TRANSACTION
from telemetry.database.errors import translated_errors
from telemetry.persistence import resolve

# That the server is gone shows before.
ANSWER_SECONDS = 24 * 3600.0

T = TypeVar("T")


def audio_runtime_url(config: Config) -> str:
    """Return the URL of the audio runtime's database; raise ClickException without one."""
    url = resolve(config).audio_runtime.url
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    return url


def connect_patiently(url: str) -> Connection:
    """Open a connection that waits for its server's answers. Raises psycopg.OperationalError."""
    connection = connect(url)
    connection.answer_seconds = ANSWER_SECONDS
    return connection


class Patient:
    """Runs work as Database.transact does, but in no hurry, and on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def transact(self, work: Callable[[Connection], T], /) -> T:
        """Return what the work returns. Raises DatabaseUnavailable or IntegrityViolation."""
        with translated_errors(), self._connection.transaction():
            self._connection.execute(SET_UP_TRANSACTION, {"time_limit": "0"})
            return work(self._connection)
