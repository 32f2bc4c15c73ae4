"""The difference between the clock of this machine and that of the database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.doctor.finding import Finding, ok, problem, warning
from telemetry.doctor.subject import Subject, database_errors
from telemetry.timestamps import clock_difference, parse_utc

CHECK = "clock"

CLOCK = statements.load("doctor/clock")

# What pages and `since` make of a difference is not noticed below this; what people take for an
# error of the service is above that.
NOTICED, WRONG = timedelta(seconds=2), timedelta(seconds=60)


def check_clock(subject: Subject) -> Iterator[Finding]:
    """Yield how far the two clocks are apart."""
    with database_errors(CHECK):
        yield explained(*subject.database.transact(_measure))


def _measure(connection: Connection) -> tuple[timedelta, timedelta]:
    """Return how far the database is ahead, and how wrong that may be: half the round trip."""
    before = datetime.now(UTC)
    row = connection.execute(CLOCK, prepare=False).fetchone()
    after = datetime.now(UTC)
    assert row is not None
    return clock_difference(parse_utc(row["clock"]), before, after)


def explained(ahead: timedelta, uncertainty: timedelta) -> Finding:
    """Return what the difference means."""
    apart = max(abs(ahead) - uncertainty, timedelta())
    seconds = abs(ahead).total_seconds()
    if apart < NOTICED:
        exactly = max(abs(ahead), uncertainty, timedelta(milliseconds=1)).total_seconds()
        return ok(CHECK, f"this machine and the database agree within {exactly * 1000:.0f} ms")
    where = "ahead of" if ahead > timedelta() else "behind"
    says = f"the database is {seconds:.0f} s {where} this machine"
    fix = "let both keep their time by NTP (`timedatectl` shows it)"
    if apart < WRONG:
        return warning(CHECK, f"{says}: windows of time and ages are off by that much", fix)
    return problem(CHECK, f"{says}: new data may seem stale, or from the future", fix)
