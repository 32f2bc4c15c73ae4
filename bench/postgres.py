"""A PostgreSQL server for the benchmarks, with one database per contender."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

from telemetry.migrations import runner
from tests.support.databases import database, execute
from tests.support.server import Server

# fsync and synchronous_commit keep their default: on.
SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "max_connections": "100",
    # No turn should pay for the rows of another one; each database is vacuumed before its turn.
    "autovacuum": "off",
}


class Postgres:
    """A running server; ``url`` is that of its database ``postgres``."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "postgres"
        self._server = Server(self._data)
        self._server.start()
        for name, value in SETTINGS.items():
            execute(self._server.url, f"ALTER SYSTEM SET {name} = '{value}'")
        self._server.stop()
        self._server.start()
        self.url = self._server.url
        self._migrated = False

    def stop(self) -> None:
        """Shut it down."""
        self._server.stop()

    @property
    def process(self) -> psutil.Process:
        """The postmaster, parent of all other processes of the server."""
        return psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))

    def create(self, name: str) -> str:
        """Create an empty database and return its URL."""
        execute(self.url, f"CREATE DATABASE {name}")
        return database(self.url, name)

    def create_migrated(self, name: str) -> str:
        """Create a database with this service's tables and indexes and return its URL."""
        if not self._migrated:
            runner.migrate(self.create("migrated"), lambda _: None)
            self._migrated = True
        execute(self.url, f"CREATE DATABASE {name} TEMPLATE migrated")
        return database(self.url, name)


def ask(url: str, statement: str) -> Any:
    """Return the first column of the first row."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        return row[0] if row else None


def tidy(url: str) -> None:
    """Do the work that earlier turns left: statistics, dead rows, unwritten pages."""
    execute(url, "VACUUM (ANALYZE)")
    execute(url, "CHECKPOINT")


def wait_until_idle(url: str) -> None:
    """Wait until no session of the database runs a statement. Raises TimeoutError after 30 s."""
    running = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend' AND state <> 'idle'
    """
    quiet = 0
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(600):
            time.sleep(0.05)
            row = connection.execute(running).fetchone()
            quiet = quiet + 1 if row == (0,) else 0
            if quiet == 3:
                return
    raise TimeoutError("the database is still busy after 30 s")


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """Run a server whose data is in this folder."""
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop()
