"""``python -m telemetry prune``."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import monotonic, sleep
from types import FrameType
from typing import Any

import click
import psycopg

from telemetry.cli.examples import examples
from telemetry.cli.failures import Interrupted, Terminated
from telemetry.cli.urls import name_database, require_url
from telemetry.config import Config
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.unlimited import UnlimitedTransactions, connect_without_time_limit
from telemetry.database.urls import as_owner
from telemetry.persistence import resolve
from telemetry.retention.kinds import EVENTS, RUNS, Kind
from telemetry.retention.prune import Batches, Pass, reason
from telemetry.spans import RETENTION, parse_retention, span_text

# A writer of a row that is being deleted waits for the batch: 0.1 s, more on a busy machine.
ROWS = 2000

# A count that takes longer gives what it has found so far.
COUNT_SECONDS = 30.0

PROGRESS_SECONDS = 2.0


class Age(click.ParamType[timedelta]):
    """An age such as 90d."""

    name = "age"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the age as a timedelta."""
        if (age := parse_retention(value)) is None:
            self.fail(f"got {value!r}, takes {RETENTION}", param, ctx)
        return age


class Stop:
    """Whether Ctrl-C or SIGTERM has asked to stop. A second one ends the process at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals inside the block."""
        before = {it: signal.signal(it, self._ask) for it in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def is_asked_within(self, seconds: float) -> bool:
        """Wait, and return whether to stop."""
        sleep(seconds)
        return self.signal is not None

    def _ask(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        signal.signal(number, signal.SIG_DFL)


@click.command(
    epilog=examples(
        "python -m telemetry prune --runs-older-than 90d --events-older-than 30d --dry-run",
        "python -m telemetry prune --runs-older-than 90d",
    )
)
@click.option("--runs-older-than", "runs", type=Age(), metavar="AGE", help="Delete older runs.")
@click.option(
    "--events-older-than", "events", type=Age(), metavar="AGE", help="Delete older runtime events."
)
@click.option("--dry-run", is_flag=True, help="Count what would be deleted, and delete nothing.")
@click.pass_obj
def prune(
    config: Config, *, runs: timedelta | None, events: timedelta | None, dry_run: bool
) -> None:
    """Delete old runs and runtime events for good, while the service serves.

    An AGE is a time such as 90d. Without options, the ages are TELEMETRY_RETENTION_RUNS and
    TELEMETRY_RETENTION_EVENTS. The audio ledger is never pruned.

    Ctrl-C stops after the current batch, with the exit status 130. The same command goes on later.
    """
    ages = {RUNS: runs, EVENTS: events}
    if runs is None and events is None:
        ages = {kind: kind.older_than(config) for kind in ages}
    wanted = {kind: age for kind, age in ages.items() if age is not None}
    if not wanted:
        raise click.UsageError(
            "nothing says what is old: give --runs-older-than or --events-older-than,"
            f" or set {RUNS.variable} or {EVENTS.variable}"
        )
    persistence = resolve(as_owner(config))
    for kind in wanted:
        if refusal := kind.refusal(persistence):
            raise click.ClickException(refusal)
    urls = {kind: require_url(kind.backend(persistence).url) for kind in wanted}
    for url in dict.fromkeys(urls.values()):
        name_database(url)
    for kind, age in wanted.items():
        with connect_without_time_limit(urls[kind]) as connection:
            work = Pass(UnlimitedTransactions(connection).transact, kind, age, config.stale_after)
            if dry_run:
                _count(work, kind, age)
                continue
            stop = Stop()
            with stop.listening():
                _prune(work, kind, age, stop)


def _count(work: Pass, kind: Kind, age: timedelta) -> None:
    with _errors_in_one_line(work, kind):
        count, is_all = work.count(COUNT_SECONDS)
    at_least = "" if is_all else "at least "
    click.echo(f"dry run: would delete {at_least}{count:,} {kind.noun} older than {span_text(age)}")
    for partition in work.droppable:
        click.echo(f"dry run: would drop {partition.name}, with these events")


def _prune(work: Pass, kind: Kind, age: timedelta, stop: Stop) -> None:
    began = monotonic()
    with _errors_in_one_line(work, kind):
        work.claim(is_command=True)
        batches = Batches(ROWS, lambda _: 0.0, stop.is_asked_within)
        try:
            is_complete = work.run(batches, _progress(work, kind, began))
        except (DatabaseUnavailable, psycopg.Error) as error:
            with suppress(DatabaseUnavailable, psycopg.Error):
                work.end(reason(error))
            raise
        work.end(is_complete=is_complete)
    done = f"{work.deleted:,} {kind.noun} older than {span_text(age)} deleted"
    if not is_complete:
        stopped = Terminated if stop.signal == signal.SIGTERM else Interrupted
        raise stopped(f"stopped: {done}; the same command goes on")
    click.echo(f"{done} in {monotonic() - began:.1f} s")


def _progress(work: Pass, kind: Kind, began: float) -> Callable[[], None]:
    """Return a function that prints how far the work is, now and then."""
    said_at = began

    def say() -> None:
        nonlocal said_at
        now = monotonic()
        if now - said_at >= PROGRESS_SECONDS:
            said_at = now
            rate = work.deleted / (now - began)
            with suppress(OSError):  # a closed standard error must not stop the work
                click.echo(f"  {work.deleted:,} {kind.noun} deleted, {rate:,.0f}/s", err=True)

    return say


@contextmanager
def _errors_in_one_line(work: Pass, kind: Kind) -> Iterator[None]:
    try:
        yield
    except (DatabaseUnavailable, psycopg.Error) as error:
        done = f"{work.deleted:,} {kind.noun} deleted; the same command goes on"
        raise click.ClickException(f"{reason(error)}; {done}") from error
