"""The readiness probe of one database."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic

import psycopg
from psycopg import errors

from telemetry.database import statements
from telemetry.database.connection import Connection, connect
from telemetry.database.database import Row
from telemetry.health.definitions import Difference, differences, hashes_of
from telemetry.health.sequences import sequences_behind
from telemetry.time_limits import READINESS_SECONDS

logger = logging.getLogger(__name__)

PENDING_MIGRATIONS = statements.load("health/pending_migrations")
CATALOGUE_STATE = statements.load("health/catalogue_state")
DISABLED_TRIGGERS = statements.load("health/disabled_triggers")

# How long a locked table is waited for.
LOCK_TIMEOUT = "500ms"

# A result serves every poller for this long.
FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Readiness:
    """The result of a probe: ``error`` is None when the database can serve this release."""

    db_connected: bool
    error: str | None = None
    failures: list[str] = field(default_factory=list)


class Probe:
    """Checks one database on a connection of its own, one check at a time."""

    def __init__(self, url: str, migrations: list[str], domains: list[str]) -> None:
        """``domains`` are those that the database keeps; failures name them."""
        self._url = url
        self._migrations = migrations
        self._name = f"the database of {', '.join(domains)}"
        self._connection: Connection | None = None
        self._catalogue_state: Row | None = None
        self._differences: list[Difference] = []
        self._behind: list[str] = []
        self._logged_cause = ""
        self._started_at = float("-inf")
        self._running = False
        self._unreachable = Readiness(
            False, "database_unreachable", [f"{self._name} does not respond"]
        )
        self._result = self._unreachable
        self._finished = Condition()

    def start(self) -> None:
        """Start a check, unless one is running or the last result is fresh."""
        with self._finished:
            if not self._running and monotonic() - self._started_at > FRESH_SECONDS:
                self._running = True
                Thread(target=self._run, name="readiness", daemon=True).start()

    def result(self, arrived: float, deadline: float) -> Readiness:
        """Return the result of a check started at most FRESH_SECONDS before ``arrived``.

        Returns unreachable when there is no such result by the ``deadline``. Both times are on
        the clock of ``time.monotonic``.
        """
        with self._finished:
            while self._started_at < arrived - FRESH_SECONDS:
                if not self._running:
                    self.start()
                if not self._finished.wait(deadline - monotonic()):
                    return self._unreachable
            return self._result

    def close(self) -> None:
        """Close the probe's connection; the next check opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _run(self) -> None:
        started_at = monotonic()
        result = self._unreachable
        try:
            result = self._check_and_reconnect()
        except psycopg.Error as error:
            self.close()
            if error.sqlstate:
                failure = f"{self._name} refused the readiness check"
                result = Readiness(True, "database_unreachable", [failure])
            self._log_cause(error)
        finally:
            with self._finished:
                self._started_at, self._result, self._running = started_at, result, False
                self._finished.notify_all()

    def _log_cause(self, error: psycopg.Error) -> None:
        """Log the cause, once for as long as it stays the same."""
        cause = " ".join(str(error).split())
        if cause != self._logged_cause:
            logger.error("[ERROR] Readiness: %s: %s", self._name, cause)
        self._logged_cause = cause

    def _check_and_reconnect(self) -> Readiness:
        """Check, again on a new connection when the old one fails: its server may be replaced."""
        if self._connection is not None:
            try:
                return self._check()
            except psycopg.OperationalError:
                self.close()
        return self._check()

    def _check(self) -> Readiness:
        """Return the first reason not to serve, if there is one. Raises psycopg.Error."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, connect_timeout=int(READINESS_SECONDS))
            self._connection.answer_seconds = READINESS_SECONDS
        pending = self._pending(self._connection)
        self._logged_cause = ""
        if pending:
            count = f"{self._name}: {len(pending)} migration(s) pending: {', '.join(pending)}"
            return Readiness(True, "migrations_pending", [count])
        disabled = self._connection.execute(DISABLED_TRIGGERS, prepare=False).fetchall()
        if disabled:
            names = [f"trigger {row['name']} is missing or disabled" for row in disabled]
            return Readiness(True, "append_only_triggers_disabled", names)
        altered = self._altered(self._connection)
        if altered:
            return Readiness(True, "schema_altered", [str(it) for it in altered])
        # While a table is locked, the result stays what it was.
        with suppress(errors.LockNotAvailable):
            self._behind = sequences_behind(self._connection, lock_timeout=LOCK_TIMEOUT)
        if self._behind:
            return Readiness(True, "sequence_behind", self._behind)
        return Readiness(True)

    def _altered(self, connection: Connection) -> list[Difference]:
        """Return what is not as this release defines it; nothing under a newer schema.

        Definitions are read again only when one of them was written since. While a table is
        locked, the result stays what it was.
        """
        state = connection.execute(
            CATALOGUE_STATE, {"migrations": self._migrations}, prepare=False
        ).fetchone()
        if state and state["newer"]:
            return []
        if state != self._catalogue_state:
            with suppress(errors.LockNotAvailable):
                found = hashes_of(connection, lock_timeout=LOCK_TIMEOUT)
                self._differences, self._catalogue_state = differences(found), state
        return self._differences

    def _pending(self, connection: Connection) -> list[str]:
        try:
            rows = connection.execute(
                PENDING_MIGRATIONS, {"migrations": self._migrations}, prepare=False
            ).fetchall()
        except errors.UndefinedTable:
            return self._migrations
        return [row["migration"] for row in rows]


def check_all(probes: list[Probe]) -> list[Readiness]:
    """Return the result of each probe, checked at the same time, within READINESS_SECONDS."""
    arrived = monotonic()
    for probe in probes:
        probe.start()
    return [probe.result(arrived, arrived + READINESS_SECONDS) for probe in probes]
