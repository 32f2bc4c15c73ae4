"""Reading for pages, on some of the connections only.

A page may read for seconds, and tabs that stay open ask again and again. Agents keep the other
connections, so they can post however many tabs are open and however slow the database is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from time import monotonic
from typing import Any

from telemetry import time_limits
from telemetry.database.database import Database, Parameters, Row
from telemetry.database.errors import DatabaseUnavailable
from telemetry.paging import Page
from telemetry.time_limits import CONNECT_SECONDS


class Reader:
    """Reads one database with at most half of the connections of this process.

    The methods are those of Database. They also raise DatabaseUnavailable when other pages have
    used that half for CONNECT_SECONDS.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = BoundedSemaphore(max(1, database.pool_size // 2))

    def fetch_all(
        self,
        statement: bytes,
        parameters: Parameters | None = None,
        *,
        prepare: bool | None = None,
    ) -> list[Row]:
        """Run one statement and return its rows."""
        with self._turn():
            return self._database.fetch_all(statement, parameters, prepare=prepare)

    def fetch_one(
        self,
        statement: bytes,
        parameters: Parameters | None = None,
        *,
        prepare: bool | None = None,
    ) -> Row | None:
        """Return the only row, or None."""
        with self._turn():
            return self._database.fetch_one(statement, parameters, prepare=prepare)

    def fetch_page(
        self,
        statement: bytes,
        parameters: Parameters,
        *,
        limit: int,
        computed: tuple[str, ...] = (),
    ) -> Page[Any]:
        """Run one statement and return a page of its rows."""
        with self._turn():
            return self._database.fetch_page(statement, parameters, limit=limit, computed=computed)

    def pool_statistics(self) -> dict[str, int]:
        """Return what psycopg_pool counts of this process's pool; empty before it opens."""
        return self._database.pool_statistics()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        left = time_limits.deadline() - monotonic()
        if not self._turns.acquire(timeout=max(0.0, min(CONNECT_SECONDS, left))):
            raise DatabaseUnavailable("other pages use the connections that pages may use")
        try:
            yield
        finally:
            self._turns.release()
