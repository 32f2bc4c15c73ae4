"""The readiness probe of one database."""

import logging
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic

import psycopg
from psycopg import errors

from telemetry.database import statements
from telemetry.database.connection import Connection, connect
from telemetry.time_limits import READINESS_SECONDS

logger = logging.getLogger(__name__)

PENDING_MIGRATIONS = statements.load("health/pending_migrations")
DISABLED_TRIGGERS = statements.load("health/disabled_triggers")

# A result serves every poller for this long.
FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Readiness:
    """What a probe found: ``error`` is None when the database can serve this release."""

    db_connected: bool
    error: str | None = None
    failures: list[str] = field(default_factory=list)


class Probe:
    """Asks one database, one question at a time, on a connection of its own."""

    def __init__(self, url: str, migrations: list[str], domains: list[str]) -> None:
        """``domains`` are those that the database keeps; failures name them."""
        self._url = url
        self._migrations = migrations
        self._name = f"the database of {', '.join(domains)}"
        self._connection: Connection | None = None
        self._told = ""
        self._asked_at = float("-inf")
        self._asking = False
        self._unreachable = Readiness(
            False, "database_unreachable", [f"{self._name} does not answer"]
        )
        self._result = self._unreachable
        self._answered = Condition()

    def ask(self) -> None:
        """Begin to ask, unless the newest result is fresh or a question is under way."""
        with self._answered:
            if not self._asking and monotonic() - self._asked_at > FRESH_SECONDS:
                self._asking = True
                Thread(target=self._ask, name="readiness", daemon=True).start()

    def result(self, arrived: float, deadline: float) -> Readiness:
        """Return the answer to a question asked at most FRESH_SECONDS before ``arrived``.

        Unreachable is what there is to say when none has come by the ``deadline``. Both are
        on the clock of ``time.monotonic``.
        """
        with self._answered:
            while self._asked_at < arrived - FRESH_SECONDS:
                if not self._asking:
                    self.ask()
                if not self._answered.wait(deadline - monotonic()):
                    return self._unreachable
            return self._result

    def close(self) -> None:
        """Close the probe's connection; the next question opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _ask(self) -> None:
        asked_at = monotonic()
        result = self._unreachable
        try:
            result = self._look_again_if_gone()
        except psycopg.Error as error:
            self.close()
            if error.sqlstate:
                result = Readiness(
                    True, "database_unreachable", [f"{self._name} refused the question"]
                )
            self._tell(error)
        finally:
            with self._answered:
                self._asked_at, self._result, self._asking = asked_at, result, False
                self._answered.notify_all()

    def _tell(self, error: psycopg.Error) -> None:
        """Log the cause, once as long as it stays the same."""
        cause = " ".join(str(error).split())
        if cause != self._told:
            logger.error("[ERROR] Readiness: %s: %s", self._name, cause)
        self._told = cause

    def _look_again_if_gone(self) -> Readiness:
        """A connection that was kept may be gone with its server, when there is a new one."""
        if self._connection is not None:
            try:
                return self._look()
            except psycopg.OperationalError:
                self.close()
        return self._look()

    def _look(self) -> Readiness:
        """Return the first reason not to serve that a question to the database finds."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, connect_timeout=int(READINESS_SECONDS))
            self._connection.answer_seconds = READINESS_SECONDS
        pending = self._pending(self._connection)
        self._told = ""
        if pending:
            count = f"{self._name}: {len(pending)} migration(s) pending: {', '.join(pending)}"
            return Readiness(True, "migrations_pending", [count])
        disabled = self._connection.execute(DISABLED_TRIGGERS, prepare=False).fetchall()
        if disabled:
            names = [f"trigger {row['name']} is missing or disabled" for row in disabled]
            return Readiness(True, "append_only_triggers_disabled", names)
        return Readiness(True)

    def _pending(self, connection: Connection) -> list[str]:
        try:
            rows = connection.execute(
                PENDING_MIGRATIONS, {"migrations": self._migrations}, prepare=False
            ).fetchall()
        except errors.UndefinedTable:
            return self._migrations
        return [row["migration"] for row in rows]


def results(probes: list[Probe]) -> list[Readiness]:
    """Return what each probe finds, all asked at once, within READINESS_SECONDS."""
    arrived = monotonic()
    for probe in probes:
        probe.ask()
    return [probe.result(arrived, arrived + READINESS_SECONDS) for probe in probes]
