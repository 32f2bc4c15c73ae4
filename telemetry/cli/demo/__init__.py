"""``python -m telemetry demo``: a believable month, so that a newcomer sees data.

- ``agents``: the runs of three agents
- ``api``: the runtime events of an API
- ``voice``: five devices and what they observed
- ``month``: chance that depends on the seed alone, and times before the moment of the command
- ``fill``: sends all of it through the stores, as requests would
"""

from datetime import UTC, datetime
from time import monotonic

import click

from telemetry.cli.demo.fill import Filled, fill
from telemetry.cli.demo.month import Month
from telemetry.cli.examples import examples
from telemetry.config import Config, redact_url
from telemetry.database.connection import connect
from telemetry.database.errors import DatabaseUnavailable
from telemetry.migrations import runner
from telemetry.migrations.contents import tables_in_use
from telemetry.persistence import resolve


@click.command(
    epilog=examples("python -m telemetry demo", "python -m telemetry demo --seed another-month")
)
@click.option(
    "--seed",
    default="telemetry",
    show_default=True,
    metavar="TEXT",
    help="Another text makes another month; the same one makes the same month.",
)
@click.pass_obj
def demo(config: Config, seed: str) -> None:
    """Fill an empty database with a month of three agents, an API and five devices.

    The data ends at the moment of the command. A database that holds anything is refused.
    """
    urls = resolve(config).database_urls
    if not urls:
        raise click.ClickException(
            "no database is configured: set DATABASE_URL (make run shows that of its database)"
        )
    for url in urls:
        _require_empty(url)
    started = monotonic()
    month = Month(seed, datetime.now(UTC))
    try:
        filled = fill(config, month, say=lambda message: click.echo(message, err=True))
    except DatabaseUnavailable as error:
        raise click.ClickException(f"{error}; a part of the month may be stored") from error
    click.echo(_summary(filled, monotonic() - started))


def _require_empty(url: str) -> None:
    """Raise ClickException unless the database is migrated and holds nothing."""
    name = redact_url(url)
    if pending := runner.status(url).pending:
        raise click.ClickException(
            f"{name}: {len(pending)} migration(s) pending: run python -m telemetry migrate first"
        )
    with connect(url) as connection:
        if tables := tables_in_use(connection):
            raise click.ClickException(
                f"{name} is not empty: {', '.join(tables)}; demo data needs a database of its own"
            )


def _summary(filled: Filled, seconds: float) -> str:
    return (
        f"{filled.runs:,} runs, {filled.events:,} runtime events and {filled.devices} devices"
        f" with {filled.device_events:,} events in {seconds:.1f} s"
    )
