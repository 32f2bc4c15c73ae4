"""``python -m telemetry partition``."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from types import FrameType

import click
import psycopg

from telemetry.cli.examples import examples
from telemetry.cli.failures import Interrupted, Terminated
from telemetry.cli.urls import require_url
from telemetry.config import Config
from telemetry.database.connection import connect
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.unlimited import UnlimitedTransactions, connect_without_time_limit
from telemetry.database.urls import as_owner
from telemetry.persistence import resolve
from telemetry.retention.kinds import EVENTS
from telemetry.retention.partitions import add_ahead, read_partitions
from telemetry.scale_out.partition import Conversion, PartitionError, read_plan


class Sigterm(KeyboardInterrupt):
    """SIGTERM does what Ctrl-C does: the driver cancels the statement that it waits for."""


@click.command(
    epilog=examples(
        "python -m telemetry partition --dry-run",
        "python -m telemetry partition",
        "python -m telemetry partition --undo",
    )
)
@click.option("--undo", is_flag=True, help="Make it one plain table again: this copies all events.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.pass_obj
def partition(config: Config, *, undo: bool, dry_run: bool) -> None:
    """Keep runtime events in one partition per day, so that retention is a DROP.

    Run it as the owner of the tables, while the service serves. The table becomes the
    first partition, so no event is copied.

    Ctrl-C stops it at any point, with the exit status 130. The same command goes on; with --undo
    it is taken back.

    On distributed tables: run undistribute first, and distribute afterwards.
    """
    persistence = resolve(as_owner(config))
    if refusal := EVENTS.refusal(persistence):
        raise click.ClickException(refusal)
    url = require_url(persistence.runtime_events.url)
    with _errors_in_one_line(), _interruptible():
        if dry_run:
            _describe(url, undo=undo)
        elif undo:
            click.echo(Conversion(url, _say).undo())
        else:
            _partition(url)


def add_partitions(url: str) -> list[str]:
    """Add the partitions of the next days; none when the table is not partitioned.

    Raises DatabaseUnavailable or psycopg.Error.
    """
    with connect_without_time_limit(url) as connection:
        transact = UnlimitedTransactions(connection).transact
        if not read_partitions(transact):
            return []
        return add_ahead(transact, _wait)


def is_partitioned(url: str) -> bool:
    """Return whether runtime events are partitioned. Raises psycopg.Error."""
    with connect(url) as connection:
        return bool(read_partitions(UnlimitedTransactions(connection).transact))


def _partition(url: str) -> None:
    if not Conversion(url, _say).partition():
        click.echo("runtime_events is partitioned already")
    for name in add_partitions(url):
        _say(f"added the partition {name}")
    with connect(url) as connection:
        found = read_partitions(UnlimitedTransactions(connection).transact)
    click.echo(f"runtime_events has {len(found)} partitions")


def _describe(url: str, *, undo: bool) -> None:
    with connect_without_time_limit(url) as connection:
        plan = read_plan(connection)
    state = plan.state
    size = f"about {state['rows']:,} events, {state['bytes'] / 2**20:,.0f} MiB with its indexes"
    what = "partitioned" if state["is_partitioned"] else "one plain table"
    click.echo(f"runtime_events is {what}: {size}")
    if state["is_partitioned"] != undo:
        done = f"would remove {plan.leftovers}" if plan.leftovers else "nothing to do"
        click.echo(f"dry run: {done}")
    elif undo:
        click.echo("dry run: would copy all events into one plain table, and drop the partitions")
    else:
        click.echo("dry run: would keep the id of each event in runtime_event_ids")
        click.echo("dry run: would build an index for the primary key (id, recorded_at)")
        click.echo(
            "dry run: would make the table the first partition,"
            f" for events before {state['boundary'][:10]}"
        )
    if refusal := plan.refusal(undo=undo):
        raise click.ClickException(refusal)


def _say(message: str) -> None:
    click.echo(f"  {message}", err=True)


def _wait(seconds: float) -> bool:
    """Wait for some seconds; return that nobody asked to stop: a signal raises instead."""
    sleep(seconds)
    return False


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM do inside the block what Ctrl-C does."""

    def interrupt(number: int, _: FrameType | None) -> None:
        raise Sigterm

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    goes_on = "the same command goes on"
    try:
        yield
    except KeyboardInterrupt as stop:
        stopped = Terminated if isinstance(stop, Sigterm) else Interrupted
        raise stopped(f"stopped: {goes_on}, and --undo takes it back") from None
    except PartitionError as error:
        raise click.ClickException(str(error)) from error
    except (DatabaseUnavailable, psycopg.Error) as error:
        text = " ".join(str(error).split())
        raise click.ClickException(f"{text}; {goes_on}") from error
