"""The partitions of runtime events: added before their day comes, and dropped when it is old.

A table that is not partitioned has none, and nothing here does anything then.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from random import uniform
from typing import Any, NamedTuple, TypeVar

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.database import LIMIT_LOCK_WAIT, Row, Transact
from telemetry.database.errors import LOCK_COLLISIONS, DatabaseUnavailable
from telemetry.timestamps import parse_utc

ADD = statements.load("scale_out/partition/add")
DROP = statements.load("scale_out/partition/drop")
FORGET = statements.load("scale_out/partition/forget")
PARTITIONS = statements.load("scale_out/partition/partitions")

# Partitions exist for so many days after today. Each costs the statements that read all partitions.
DAYS_AHEAD = 7

# Requests queue behind a change that waits for the table, so it gives up soon and tries again.
LOCK_TIMEOUT = "200ms"
ATTEMPTS = 60
PAUSE_SECONDS = 1.0

# Blocks of the table of keys that one transaction reads; each has some 100 keys.
BLOCKS = 50

T = TypeVar("T")


class Partition(NamedTuple):
    """A partition, and the times between which its events are; the default one has none.

    ``rows`` is an estimate.
    """

    name: str
    recorded_from: str | None
    recorded_until: datetime | None
    is_default: bool
    rows: int

    def covers(self, day: datetime) -> bool:
        """Return whether the events of a day belong here; never in the default partition."""
        begins = self.recorded_from in (None, "-infinity") or parse_utc(self.recorded_from) <= day
        return bool(self.recorded_until and begins and self.recorded_until > day)


class Stopped(Exception):
    """The caller asked to stop."""


def read_partitions(transact: Transact) -> list[Partition]:
    """Return the partitions, the oldest first; none when the table is not partitioned."""
    rows = transact(lambda it: it.execute(PARTITIONS).fetchall())
    return [_partition(row) for row in rows]


def start_of_day(moment: datetime) -> datetime:
    """Return the begin of the day of a moment in UTC: retention keeps whole days."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def days_ahead(partitions: list[Partition]) -> int:
    """Return for how many whole days after today partitions exist."""
    ends = [it.recorded_until for it in partitions if it.recorded_until]
    return (max(ends) - start_of_day(datetime.now(UTC))).days - 1 if ends else -1


def before(partitions: list[Partition], cutoff: datetime) -> list[Partition]:
    """Return the partitions all of whose events were recorded before the cutoff."""
    return [it for it in partitions if it.recorded_until and it.recorded_until <= cutoff]


def add_ahead(transact: Transact, is_stopped: Callable[[float], bool]) -> list[str]:
    """Add the missing partitions of today and the days ahead; return their names.

    Raises Stopped, and what ``transact`` raises.
    """
    added: list[str] = []

    def work(connection: Connection) -> Row | None:
        return connection.execute(ADD, {"days_ahead": DAYS_AHEAD}).fetchone()

    while row := _when_unlocked(transact, work, is_stopped):
        if row["added"] is None:
            break
        added.append(row["added"])
    return added


def drop_next(
    transact: Transact,
    cutoff: datetime,
    record: Callable[[Connection, Row], None],
    is_stopped: Callable[[float], bool],
) -> Row | None:
    """Drop the oldest partition that ends by the cutoff; return its name and how many events.

    ``record`` runs in the same transaction. None: there is no such partition. Raises Stopped, and
    what ``transact`` raises.
    """

    def work(connection: Connection) -> Row | None:
        row = connection.execute(DROP, {"cutoff": cutoff}, prepare=False).fetchone()
        if row is not None:
            record(connection, row)
        return row

    return _when_unlocked(transact, work, is_stopped)


def forget_ids(transact: Transact, cutoff: datetime, is_stopped: Callable[[float], bool]) -> None:
    """Delete the ids of events from before the cutoff that are gone. Raises Stopped."""
    block: int | None = 0
    while block is not None:
        parameters = {"cutoff": cutoff, "first_block": block, "block_count": BLOCKS}
        row = transact(partial(_one_row, statement=FORGET, parameters=parameters))
        block = row["next_block"]
        # Most parts of the table have nothing to delete, and are read in a moment.
        if is_stopped(PAUSE_SECONDS / 10 if row["forgotten"] else 0.0):
            raise Stopped


def _partition(row: Row) -> Partition:
    until = row["recorded_until"]
    return Partition(**{**row, "recorded_until": parse_utc(until) if until else None})


def _one_row(connection: Connection, statement: bytes, parameters: dict[str, Any]) -> Row:
    row = connection.execute(statement, parameters, prepare=False).fetchone()
    assert row is not None
    return row


def _when_unlocked(
    transact: Transact, work: Callable[[Connection], T], is_stopped: Callable[[float], bool]
) -> T:
    """Run the work, again and again while a lock that it needs is taken."""

    def limited(connection: Connection) -> T:
        connection.execute(LIMIT_LOCK_WAIT, {"lock_timeout": LOCK_TIMEOUT})
        return work(connection)

    for attempt in range(1, ATTEMPTS + 1):
        try:
            return transact(limited)
        except DatabaseUnavailable as error:
            if not isinstance(error.__cause__, LOCK_COLLISIONS) or attempt == ATTEMPTS:
                raise
        if is_stopped(PAUSE_SECONDS * uniform(0.5, 1.5)):
            raise Stopped
    raise AssertionError  # the last attempt returns or raises
