"""One pass of retention over one table, in batches that are transactions of their own."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import NamedTuple

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.database import Row, Transact
from telemetry.database.errors import GRANT_RIGHTS, RightsMissing
from telemetry.retention.kinds import EVENTS, Kind, Walk, after
from telemetry.retention.partitions import (
    Partition,
    Stopped,
    before,
    drop_next,
    forget_ids,
    read_partitions,
    start_of_day,
)
from telemetry.timestamps import parse_utc

BEGIN_BATCH = statements.load("retention/begin_batch")
CLAIM = statements.load("retention/claim")
CUTOFF = statements.load("retention/cutoff")
END_PASS = statements.load("retention/end_pass")
RECORD_BATCH = statements.load("retention/record_batch")

# No process that lives is silent for this long: a batch and its pause take seconds.
LEASE = timedelta(minutes=2)

# How long a batch waits for a lock. Only a change of the table's definition makes it wait.
LOCK_TIMEOUT = "1s"

# How long to wait for the batch of another prune.
TURN_SECONDS = 0.1

# Rows of one statement that only counts.
COUNTED = 50_000

GRANT_RETENTION = GRANT_RIGHTS.replace("--role NAME", "--role NAME --retention")


class Batches(NamedTuple):
    """How a pass works: rows of a batch, and the seconds to wait after one that took so many.

    ``is_stopped`` waits for that time, and returns early and true when the pass is to stop.
    """

    rows: int
    pause: Callable[[float], float]
    is_stopped: Callable[[float], bool]


class Pass:
    """A pass. Every method raises what Database.transact raises."""

    def __init__(
        self, transact: Transact, kind: Kind, older_than: timedelta, stale_after: timedelta
    ) -> None:
        self._transact = transact
        self._kind = kind
        self._older_than = older_than
        self._stale_after = stale_after
        self._started: Row = {}
        self.deleted = 0
        self.droppable: list[Partition] = []

    def claim(self, *, is_command: bool) -> bool:
        """Begin the pass; return False when it is not due, or another process has begun it."""
        parameters = {
            "kind": self._kind.name,
            "older_than": self._older_than,
            "lease": LEASE,
            "lock_key": self._kind.lock_key,
            "is_command": is_command,
        }
        found = self._transact(lambda it: it.execute(CLAIM, parameters).fetchone())
        self._started = found or {}
        return found is not None

    def run(self, batches: Batches, say: Callable[[], None] = lambda: None) -> bool:
        """Delete what is old; return False when it was stopped before the end.

        ``say`` is called after each batch.
        """
        partitions = self._partitions(self._started)
        if partitions and not self._drop(batches, say):
            return False
        walks = self._kind.walks(self._started, self._stale_after)
        if not all(self._walk(it, batches, say) for it in walks):
            return False
        if partitions:
            try:
                forget_ids(self._transact, self._started["cutoff"], batches.is_stopped)
            except Stopped:
                return False
        return True

    def end(
        self,
        error: str | None = None,
        pause: timedelta = timedelta(),
        *,
        is_complete: bool = True,
    ) -> None:
        """Record that the pass is complete, or the error that ended it.

        One that was stopped is neither. No web process begins another one within the ``pause``.
        """
        parameters = {
            "kind": self._kind.name,
            "older_than": self._older_than,
            "deleted": self.deleted,
            "error": error,
            "is_complete": is_complete and error is None,
            "pause": pause,
        }
        self._transact(lambda it: it.execute(END_PASS, parameters))

    def count(self, seconds: float) -> tuple[int, bool]:
        """Return how many rows it would delete, and whether that is all of them.

        It is not when counting takes longer than ``seconds``. ``droppable`` then holds the
        partitions that it would drop, with these rows.
        """
        started = self._transact(
            lambda it: it.execute(CUTOFF, {"older_than": self._older_than}).fetchone()
        )
        total, deadline = 0, monotonic() + seconds
        started = started or {}
        if partitions := self._partitions(started):
            self.droppable = before(partitions, started["cutoff"])
        for first in self._kind.walks(started, self._stale_after):
            walk: Walk | None = first
            while walk is not None:
                if monotonic() > deadline:
                    return total, False
                row = self._transact(_counting(self._kind, walk))
                total += row["deleted"]
                walk = after(row, walk) if row["walked"] >= COUNTED else None
        return total, True

    def _partitions(self, started: Row) -> list[Partition]:
        """Return the partitions of the table; with any, the pass keeps whole days."""
        partitions = read_partitions(self._transact) if self._kind is EVENTS else []
        if partitions:
            started["cutoff"] = start_of_day(parse_utc(started["cutoff"]))
        return partitions

    def _drop(self, batches: Batches, say: Callable[[], None]) -> bool:
        """Drop the old partitions; return False when it was stopped before the last one."""
        cutoff = self._started["cutoff"]
        try:
            began = monotonic()
            while row := drop_next(self._transact, cutoff, self._record, batches.is_stopped):
                self.deleted += row["events"]
                say()
                if batches.is_stopped(batches.pause(monotonic() - began)):
                    return False
                began = monotonic()
        except Stopped:
            return False
        return True

    def _record(self, connection: Connection, dropped: Row) -> None:
        recorded = {"kind": self._kind.name, "deleted": dropped["events"], "lease": LEASE}
        connection.execute(RECORD_BATCH, recorded)

    def _walk(self, walk: Walk, batches: Batches, say: Callable[[], None]) -> bool:
        while True:
            began = monotonic()
            row = self._transact(partial(self._batch, walk=walk, rows=batches.rows))
            if row is None:
                if batches.is_stopped(TURN_SECONDS):
                    return False
                continue
            self.deleted += row["deleted"]
            say()
            if row["walked"] < batches.rows:
                return True
            position = after(row, walk)
            if position == walk and not row["deleted"]:
                return True  # a trigger of a DBA keeps these rows
            walk = position
            if batches.is_stopped(batches.pause(monotonic() - began)):
                return False

    def _batch(self, connection: Connection, walk: Walk, rows: int) -> Row | None:
        """Delete a batch and record it; return None while another prune has its turn."""
        begun = connection.execute(
            BEGIN_BATCH, {"lock_key": self._kind.lock_key, "lock_timeout": LOCK_TIMEOUT}
        ).fetchone()
        if not (begun and begun["is_mine"]):
            return None
        # Planned for these values: only then does the planner know how few rows a batch reads.
        parameters = {**walk, "row_limit": rows}
        row = connection.execute(self._kind.prune, parameters, prepare=False).fetchone()
        assert row is not None
        recorded = {"kind": self._kind.name, "deleted": row["deleted"], "lease": LEASE}
        connection.execute(RECORD_BATCH, recorded)
        return row


def reason(error: Exception) -> str:
    """Return why a pass failed, in one line for an operator."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, RightsMissing):
        text = text.removesuffix(GRANT_RIGHTS) + GRANT_RETENTION
    return text


def _counting(kind: Kind, walk: Walk) -> Callable[[Connection], Row]:
    def work(connection: Connection) -> Row:
        parameters = {**walk, "row_limit": COUNTED}
        row = connection.execute(kind.count, parameters, prepare=False).fetchone()
        assert row is not None
        return row

    return work
