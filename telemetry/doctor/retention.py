"""Whether the daily retention can delete what it is configured to delete, and did."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from telemetry.database.connection import Connection
from telemetry.database.errors import RightsMissing
from telemetry.doctor.finding import Finding, ok, problem, warning
from telemetry.doctor.subject import Subject, database_errors
from telemetry.retention.kinds import KINDS, Kind
from telemetry.retention.prune import Batches, Pass, reason
from telemetry.retention.store import STATE
from telemetry.spans import span_text

CHECK = "retention"


def check_retention(subject: Subject) -> Iterator[Finding]:
    """Yield for each table with a retention whether a batch of one row works; it is rolled back."""
    for kind in KINDS:
        age = kind.older_than(subject.config)
        if age is None or kind.name not in subject.domains:
            continue
        with database_errors(CHECK):
            try:
                subject.database.transact(_trial(subject, kind, age))
                state = subject.database.fetch_one(STATE, {"kind": kind.name})
            except RightsMissing as error:
                says, _, fix = reason(error).rpartition("; ")
                yield problem(CHECK, f"{kind.noun} can't be deleted: {says}", fix)
                continue
        if state and (state["is_late"] or state["error"]):
            says = f"{kind.noun}: {state['error'] or 'no pass was complete for a day and a half'}"
            yield warning(CHECK, says, "look at the log, or run `python -m telemetry prune`")
        else:
            yield ok(CHECK, f"{kind.noun} older than {span_text(age)} can be deleted")


def _trial(subject: Subject, kind: Kind, age: timedelta) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        with connection.transaction(force_rollback=True):
            trial = Pass(lambda it: it(connection), kind, age, subject.config.stale_after)
            trial.claim(is_command=True)
            trial.run(Batches(1, lambda _: 0.0, lambda _: True))

    return work
