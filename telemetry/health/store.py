"""The readiness probe of one database."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic
from typing import NamedTuple

import psycopg
from psycopg import errors

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.connections import PoolInUse
from telemetry.database.database import Database, Row
from telemetry.database.errors import (
    GRANT_RIGHTS,
    DatabaseNeedsRepair,
    DatabaseReadOnly,
    DatabaseUnavailable,
    cause_of,
)
from telemetry.health.definitions import Difference, differences, hashes_of
from telemetry.health.role import Role, role_of
from telemetry.health.sequences import sequences_behind
from telemetry.health.workers import check_workers
from telemetry.time_limits import READINESS_SECONDS

ACCEPTS_WRITES = statements.load("health/accepts_writes")
PENDING_MIGRATIONS = statements.load("health/pending_migrations")
HIDDEN_SCHEMAS = statements.load("health/hidden_schemas")
MISSING_RIGHTS = statements.load("health/missing_rights")
CATALOGUE_STATE = statements.load("health/catalogue_state")
DISABLED_TRIGGERS = statements.load("health/disabled_triggers")
UNGUARDED_IDS = statements.load("health/unguarded_ids")

# How long a locked table is waited for.
LOCK_TIMEOUT = "500ms"

# The errors of a connection that its server ended, with or without a word.
CUT = (errors.AdminShutdown, errors.CrashShutdown, psycopg.OperationalError)

# A result serves every poller for this long.
FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Readiness:
    """The result of a probe: ``error`` is None when the database can serve this release.

    ``cause`` is for the log: it may name hosts. ``role`` is that of the service, if known.
    """

    db_connected: bool
    error: str | None = None
    failures: list[str] = field(default_factory=list)
    cause: str | None = None
    role: Role | None = None


class Checked(NamedTuple):
    """One thing that was checked, what ``error`` names it, and what is wrong with it.

    It is not ``known`` when a table was locked, and no check before has found it out. ``cause`` is
    for operators: it may name hosts.
    """

    what: str
    error: str
    failures: list[str]
    known: bool = True
    cause: str | None = None


class Probe:
    """Checks one database in the way requests use it, one check at a time."""

    def __init__(self, database: Database, migrations: list[str], domains: list[str]) -> None:
        """``domains`` are those that the database keeps; failures name them."""
        self._database = database
        self._migrations = migrations
        self._domains = domains
        self._name = f"the database of {', '.join(domains)}"
        self._catalogue_state: Row | None = None
        # None until they have been read.
        self._differences: list[Difference] | None = None
        self._behind: list[str] | None = None
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

    def _run(self) -> None:
        started_at = monotonic()
        result = self._unreachable
        try:
            result = self._check_and_reconnect()
        except PoolInUse:
            # The pool's connections are in use, so the database serves. Nothing more is known.
            result = self._result if self._result.db_connected else Readiness(True)
        except (DatabaseUnavailable, psycopg.Error) as error:
            result = self._failed(error)
        finally:
            with self._finished:
                self._started_at, self._result, self._running = started_at, result, False
                self._finished.notify_all()

    def _check_and_reconnect(self) -> Readiness:
        """Check, again when the connection was cut: its server may be replaced."""
        try:
            return self._database.check(self._check)
        except DatabaseUnavailable as error:
            if type(error.__cause__) not in CUT:
                raise
            return self._database.check(self._check)

    def _failed(self, error: DatabaseUnavailable | psycopg.Error) -> Readiness:
        """Return the result of a check that failed."""
        driver_error = error if isinstance(error, psycopg.Error) else error.__cause__
        connected = bool(getattr(driver_error, "sqlstate", None))
        name = getattr(error, "readiness_error", self._unreachable.error)
        if isinstance(error, DatabaseReadOnly):
            failure = f"{self._name} is read-only"
        elif isinstance(error, DatabaseNeedsRepair):
            failure = f"{self._name} has to be repaired: {error}"
        elif connected:
            failure = f"{self._name} refused the readiness check"
        else:
            failure = self._unreachable.failures[0]
        return Readiness(connected, name, [failure], cause_of(error))

    def _check(self, connection: Connection) -> Readiness:
        """Return the first reason not to serve, if there is one. Raises psycopg.Error."""
        role = role_of(connection)
        for it in self.checked(connection):
            if it.failures:
                return Readiness(True, it.error, it.failures, it.cause, role)
        return Readiness(True, role=role)

    def checked(self, connection: Connection) -> Iterator[Checked]:
        """Check one thing after the other; yield each. Raises psycopg.Error."""
        _require_writes(connection)
        workers = check_workers(connection)
        if connection.is_distributed:
            causes = "; ".join(workers.causes) or None
            yield Checked("workers", "database_unreachable", workers.unreachable, cause=causes)
        pending = self._pending(connection)
        count = f"{self._name}: {len(pending)} migration(s) pending: {', '.join(pending)}"
        yield Checked("migrations", "migrations_pending", [count] if pending else [])
        lacking = connection.execute(
            MISSING_RIGHTS, {"domains": self._domains}, prepare=False
        ).fetchall()
        missing = {row["name"] for row in lacking if row["missing"]}
        absent = [f"{name} is missing" for name in sorted(missing)]
        yield Checked("tables", "schema_altered", absent)
        denied = [
            f"the role has no right to {row['privilege']} on {row['name']}" for row in lacking
        ]
        yield Checked("rights", "permission_denied", denied and [*denied, GRANT_RIGHTS])
        disabled = connection.execute(DISABLED_TRIGGERS, prepare=False).fetchall()
        names = [f"trigger {row['name']} is missing or disabled" for row in disabled]
        names += [f"trigger {it} is missing, disabled or altered" for it in workers.unguarded]
        yield Checked("triggers", "append_only_triggers_disabled", names)
        if "runtime_events" in self._domains:
            found = connection.execute(UNGUARDED_IDS, prepare=False).fetchall()
            names = [*(row["name"] for row in found), *workers.unguarded_ids]
            yield Checked("ids", "schema_altered", names)
        altered = self._altered(connection)
        names = [str(it) for it in altered or ()]
        yield Checked("definitions", "schema_altered", names, altered is not None)
        behind = self._sequences_behind(connection)
        yield Checked("sequences", "sequence_behind", behind or [], behind is not None)

    def _altered(self, connection: Connection) -> list[Difference] | None:
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

    def _sequences_behind(self, connection: Connection) -> list[str] | None:
        """Return a failure for each sequence that is below a number in its table.

        While a table is locked, the result stays what it was.
        """
        with suppress(errors.LockNotAvailable):
            self._behind = sequences_behind(connection, lock_timeout=LOCK_TIMEOUT)
        return self._behind

    def _pending(self, connection: Connection) -> list[str]:
        try:
            with connection.transaction():
                rows = connection.execute(
                    PENDING_MIGRATIONS, {"migrations": self._migrations}, prepare=False
                ).fetchall()
        except errors.UndefinedTable:
            if hidden := connection.execute(HIDDEN_SCHEMAS, prepare=False).fetchone():
                message = f"permission denied for schema {hidden['name']}"
                raise errors.InsufficientPrivilege(message) from None
            return self._migrations
        return [row["migration"] for row in rows]


def _require_writes(connection: Connection) -> None:
    """Raise ReadOnlySqlTransaction, as a write would, when the connection takes no writes."""
    row = connection.execute(ACCEPTS_WRITES, prepare=False).fetchone()
    if row and row["read_only"]:
        why = "it is a hot standby" if row["in_recovery"] else "a setting makes it read-only"
        raise errors.ReadOnlySqlTransaction(why)


def check_all(probes: list[Probe]) -> list[Readiness]:
    """Return the result of each probe, checked at the same time, within READINESS_SECONDS."""
    arrived = monotonic()
    for probe in probes:
        probe.start()
    return [probe.result(arrived, arrived + READINESS_SECONDS) for probe in probes]
