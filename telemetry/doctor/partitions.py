"""The partitions of runtime events, where the table has any."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from telemetry.database import statements
from telemetry.doctor.finding import Finding, ok, warning
from telemetry.doctor.subject import Subject, database_errors
from telemetry.retention.partitions import Partition, days_ahead, read_partitions, start_of_day

BEYOND = statements.load("scale_out/partition/beyond")
LEFTOVER = statements.load("scale_out/partition/leftover")

# The web process adds partitions every five minutes, a week ahead.
FEWEST_DAYS = 3

CHECK = "partitions"
FIX = "run `python -m telemetry migrate`, and see in the log why the web process added none"


def check_partitions(subject: Subject) -> Iterator[Finding]:
    """Yield what is wrong with the partitions; nothing for a plain table."""
    if "runtime_events" not in subject.domains:
        return
    with database_errors(CHECK):
        left = subject.database.fetch_one(LEFTOVER)
        partitions = read_partitions(subject.database.transact)
    if left and left["boundary"]:
        says = f"a `partition` that was killed left a constraint on new events: {left['boundary']}"
        yield warning(CHECK, says, "run `python -m telemetry partition` again, or with --undo")
    if partitions:
        yield from _of_days(subject, partitions)


def _of_days(subject: Subject, partitions: list[Partition]) -> Iterator[Finding]:
    ahead = days_ahead(partitions)
    if ahead < FEWEST_DAYS:
        says = f"runtime events have partitions for {max(ahead, 0)} days after today"
        yield warning(CHECK, says, FIX)
    today = start_of_day(datetime.now(UTC))
    end = max((it.recorded_until for it in partitions if it.recorded_until), default=today)
    missing = [day for day in _days(today, end) if not _has(partitions, day)]
    with database_errors(CHECK):
        row = subject.database.fetch_one(BEYOND, {"recorded_from": end}, prepare=False)
    if missing or (row and row["found"]):
        says = "events of today or later are in the partition runtime_events_default"
        fix = "retention deletes them row by row; correct recorded_at of those from the future"
        yield warning(CHECK, says, fix)
    elif ahead >= FEWEST_DAYS:
        says = f"runtime events have {len(partitions)} partitions, for {ahead} days after today"
        yield ok(CHECK, says)


def _days(first: datetime, end: datetime) -> list[datetime]:
    return [first + timedelta(days=number) for number in range((end - first).days)]


def _has(partitions: list[Partition], day: datetime) -> bool:
    return any(it.covers(day) for it in partitions)
