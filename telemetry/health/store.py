"""The readiness probe of one database."""

from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic

import psycopg
from psycopg import errors

from telemetry import sql
from telemetry.database import Connection, connect

PENDING_MIGRATIONS = sql.load("health/pending_migrations")
DISABLED_TRIGGERS = sql.load("health/disabled_triggers")

# A poller waits this long, so that it has its answer within 3 s whatever the database does.
PATIENCE_SECONDS = 2.0

# A result serves every poller for this long.
FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Readiness:
    """What a probe found: ``error`` is None when the database can serve this release."""

    db_connected: bool
    error: str | None = None
    failures: list[str] = field(default_factory=list)


UNREACHABLE = Readiness(False, "database_unreachable", ["the database does not answer"])


class Probe:
    """Asks one database, one question at a time, on a connection of its own."""

    def __init__(self, url: str, migrations: list[str]) -> None:
        self._url = url
        self._migrations = migrations
        self._connection: Connection | None = None
        self._asked_at = float("-inf")
        self._asking = False
        self._result = UNREACHABLE
        self._answered = Condition()

    def result(self) -> Readiness:
        """Return the newest result, at most PATIENCE_SECONDS old."""
        deadline = monotonic() + PATIENCE_SECONDS
        with self._answered:
            while monotonic() - self._asked_at > FRESH_SECONDS:
                if not self._asking:
                    self._asking = True
                    Thread(target=self._ask, name="readiness", daemon=True).start()
                if not self._answered.wait(deadline - monotonic()):
                    return UNREACHABLE
            return self._result

    def close(self) -> None:
        """Close the probe's connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _ask(self) -> None:
        asked_at = monotonic()
        try:
            result = self._look()
        except psycopg.Error:
            result = UNREACHABLE
            self.close()
        finally:
            with self._answered:
                self._asked_at, self._result, self._asking = asked_at, result, False
                self._answered.notify_all()

    def _look(self) -> Readiness:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, connect_timeout=2)
            self._connection.answer_seconds = PATIENCE_SECONDS
        try:
            rows = self._connection.execute(
                PENDING_MIGRATIONS, {"migrations": self._migrations}, prepare=False
            ).fetchall()
            pending = [row["migration"] for row in rows]
        except errors.UndefinedTable:
            pending = self._migrations
        if pending:
            count = f"{len(pending)} migration(s) pending: {', '.join(pending)}"
            return Readiness(True, "migrations_pending", [count])
        disabled = self._connection.execute(DISABLED_TRIGGERS, prepare=False).fetchall()
        if disabled:
            names = [f"trigger {row['name']} is missing or disabled" for row in disabled]
            return Readiness(True, "append_only_triggers_disabled", names)
        return Readiness(True)
