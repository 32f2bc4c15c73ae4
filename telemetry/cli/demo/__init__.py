"""``python -m telemetry demo``: a believable month, so that a newcomer sees data.

- ``agents``: the runs of three agents, whose ``profiles`` say how each works
- ``api``: the runtime events of an API
- ``voice``: five devices and what they observed
- ``month``: chance that depends on the seed alone, and times before the moment of the command
- ``fill``: sends all of it through the stores, as requests would
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from time import monotonic

import click

from telemetry.cli.demo.fill import Filled, fill
from telemetry.cli.demo.month import Month
from telemetry.cli.examples import examples
from telemetry.cli.serve import DATA
from telemetry.config import EMBEDDED_DATABASE, Config
from telemetry.database.connection import connect
from telemetry.database.embedded import EmbeddedUnavailable, embedded_postgres
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.urls import as_owner
from telemetry.migrations import runner
from telemetry.migrations.contents import tables_in_use, takes_demo_lock
from telemetry.persistence import resolve
from telemetry.url_parts import redact_url


@click.command(
    epilog=examples("python -m telemetry demo", "python -m telemetry demo --seed another-month")
)
@click.option(
    "--seed",
    default="telemetry",
    show_default=True,
    metavar="TEXT",
    help="Another text makes another month; the same one makes the same, for the same end.",
)
@click.pass_obj
def demo(config: Config, seed: str) -> None:
    """Fill an empty database with a month of three agents, an API and five devices.

    The data ends at the moment of the command. A database that holds anything is refused. When
    nothing is configured, it uses the embedded PostgreSQL of make run, which may be running.
    """
    with ExitStack() as stack:
        config = as_owner(config)
        again = "create the database again and migrate it"
        if resolve(config).runtime_events.kind == "none":
            again = f"stop the service and remove {DATA}"
            config = stack.enter_context(_embedded())
        for url in _urls(config):
            stack.enter_context(_held(url, again))
        started = monotonic()
        month = Month(seed, datetime.now(UTC))
        try:
            filled = fill(config, month, say=lambda message: click.echo(message, err=True))
        except (DatabaseUnavailable, KeyboardInterrupt) as error:
            why = str(error) or "interrupted"
            raise click.ClickException(
                f"{why}; a part of the month may be stored: to start over, {again}"
            ) from error
        click.echo(_summary(filled, monotonic() - started))


@contextmanager
def _embedded() -> Iterator[Config]:
    """Yield a configuration with the embedded PostgreSQL, which is started and migrated."""
    try:
        with embedded_postgres(DATA / "postgres", statistics=True) as url:
            runner.migrate(url, lambda message: click.echo(f"  {message}", err=True))
            yield Config.from_env({**os.environ, EMBEDDED_DATABASE: url})
    except EmbeddedUnavailable as error:
        raise click.ClickException(str(error)) from error


def _urls(config: Config) -> list[str]:
    """Return the URLs in one order, whatever they are used for. Raises ClickException if none."""
    if urls := resolve(config).database_urls:
        return sorted(urls)
    raise click.ClickException("no database is configured: set DATABASE_URL")


@contextmanager
def _held(url: str, again: str) -> Iterator[None]:
    """Keep other demos out of the database.

    Raises ClickException unless it is migrated and holds nothing.
    """
    name = redact_url(url)
    if pending := runner.status(url).pending:
        raise click.ClickException(
            f"{name}: {len(pending)} migration(s) pending: run python -m telemetry migrate first"
        )
    with connect(url) as keeper, keeper.transaction():
        if not takes_demo_lock(keeper):
            raise click.ClickException(f"{name}: another demo is filling it")
        # Asked on a connection of its own: it ends with its locks, and this one has no snapshot.
        with connect(url) as connection:
            tables = tables_in_use(connection)
        if tables:
            raise click.ClickException(
                f"{name} is not empty: {', '.join(tables)}; demo data needs a database of its own;"
                f" if a demo was interrupted, {again}"
            )
        yield


def _summary(filled: Filled, seconds: float) -> str:
    return (
        f"{filled.runs:,} runs, {filled.events:,} runtime events and {filled.devices} devices"
        f" with {filled.device_events:,} events in {seconds:.1f} s"
    )
