"""What retention is configured to do, and what it has done."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.database import Database, Row
from telemetry.failures import AWAY, Unavailable
from telemetry.persistence import Persistence
from telemetry.retention.kinds import KINDS, RUNS, Kind

STATE = statements.load("retention/state")


class Failed(NamedTuple):
    """When and why the last attempt failed."""

    at: datetime
    reason: str


@dataclass(frozen=True)
class Report:
    """Retention of one table.

    ``older_than`` is the age that is configured, None: nothing is deleted by itself. ``refusal``
    says why it can't be pruned. ``state`` is its row of retention_passes, None: there was no pass,
    or ``failure`` says why it can't be read. ``failed`` is the last attempt, when it failed.
    """

    kind: Kind
    older_than: timedelta | None
    refusal: str | None
    state: Row | None
    failure: str | None
    failed: Failed | None


class RetentionStore:
    """Reads the state of each table from its database.

    ``failed`` are the attempts of this process that failed, by the name of the kind. The database
    has those that could be recorded.
    """

    def __init__(
        self, config: Config, persistence: Persistence, records: Database, events: Database
    ) -> None:
        self._config = config
        self._persistence = persistence
        self._records, self._events = records, events
        self.failed: dict[str, Failed] = {}

    @property
    def is_configured(self) -> bool:
        """Whether any table has a retention."""
        return any(kind.older_than(self._config) for kind in KINDS)

    def database(self, kind: Kind) -> Database:
        """Return the database that keeps the table."""
        return self._records if kind is RUNS else self._events

    def reports(self, away: Collection[str] = ()) -> list[Report]:
        """Return what is known of each table. Raises nothing: it says what could not be read.

        ``away`` are the domains whose database is known not to respond.
        """
        return [self._report(kind, kind.name in away) for kind in KINDS]

    def _report(self, kind: Kind, is_away: bool) -> Report:
        older_than, refusal = kind.older_than(self._config), kind.refusal(self._persistence)
        state, failure = None, AWAY if is_away else None
        if refusal is None and not is_away:
            try:
                state = self.database(kind).fetch_one(STATE, {"kind": kind.name})
            except Unavailable as error:
                failure = error.detail
            except psycopg.Error:
                failure = "What retention did can't be read"
        failed = self.failed.get(kind.name)
        if state and state["error"]:
            failed = Failed(state["failed_at"], state["error"])
        return Report(kind, older_than, refusal, state, failure, failed)
