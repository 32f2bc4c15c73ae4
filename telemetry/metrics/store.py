"""What the databases know for a scrape."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import psycopg

from telemetry import time_limits
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.connections import PoolInUse
from telemetry.database.database import Database, Row
from telemetry.database.errors import DatabaseNotConfigured, DatabaseUnavailable
from telemetry.metrics.retention import Report

WRITABLE = statements.load("metrics/writable")
LAST_VERIFY = statements.load("metrics/last_verify")

# Prometheus gives up after 10 s. One thing that is locked must not hide the others.
SCRAPE_SECONDS = 6.0
READ_SECONDS = 2.0

T = TypeVar("T")


class State(NamedTuple):
    """What the databases know.

    ``up`` and ``writable`` are by the name of a configured database. What could not be read is
    None, and missing from ``writable``.
    """

    up: dict[str, bool]
    writable: dict[str, bool]
    last_verify: Row | None
    runs: Sequence[Row] | None
    retention: Sequence[Report] = ()


class MetricStore:
    """Asks each database what a scrape needs. It raises nothing, because a scrape must succeed."""

    def __init__(self, records: Database, events: Database) -> None:
        self._records = records
        self._databases = {"records": records}
        if events is not records:
            self._databases["runtime_events"] = events

    def state(
        self,
        read_runs: Callable[[], Sequence[Row]],
        read_retention: Callable[[], Sequence[Report]],
    ) -> State:
        """Return the state within SCRAPE_SECONDS.

        ``read_runs`` reads the runs by agent from the database of records. ``read_retention``
        raises nothing.
        """
        state = State({}, {}, None, None)
        with time_limits.ending_within(SCRAPE_SECONDS):
            for name, database in self._databases.items():
                self._ask(name, database, state)
            with time_limits.ending_within(READ_SECONDS):
                state = state._replace(retention=read_retention())
            if not state.up.get("records"):
                return state
            return state._replace(
                last_verify=_read(lambda: self._records.fetch_one(LAST_VERIFY)),
                runs=_read(read_runs),
            )

    def _ask(self, name: str, database: Database, state: State) -> None:
        try:
            state.writable[name] = database.check(_is_writable)
            state.up[name] = True
        except DatabaseNotConfigured:
            pass
        except PoolInUse:
            state.up[name] = True  # it serves the requests that use the pool
        except (DatabaseUnavailable, psycopg.Error):
            state.up[name] = False


def _is_writable(connection: Connection) -> bool:
    row = connection.execute(WRITABLE).fetchone()
    return bool(row and row["writable"])


def _read(read: Callable[[], T]) -> T | None:
    """Return what ``read`` returns, or None when that fails or takes longer than READ_SECONDS."""
    try:
        with time_limits.ending_within(READ_SECONDS):
            return read()
    except (DatabaseUnavailable, psycopg.Error):
        return None
