"""``python -m telemetry distribute`` and ``undistribute``: the tables on a cluster of Citus."""

from typing import Literal

import click

from telemetry.cli.examples import examples
from telemetry.cli.urls import name_database
from telemetry.config import Config
from telemetry.database.unlimited import connect_without_time_limit
from telemetry.database.urls import as_owner
from telemetry.migrations import runner
from telemetry.persistence import resolve
from telemetry.scale_out.distribute import DistributeError, Distribution, texts

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Print the SQL of the steps that are left; change nothing."
)


@click.command(
    epilog=examples("python -m telemetry distribute --dry-run", "python -m telemetry distribute")
)
@dry_run_option
@click.pass_obj
def distribute(config: Config, *, dry_run: bool) -> None:
    """Distribute the tables over the workers of a Citus cluster.

    DATABASE_URL is that of the coordinator, migrated, and the role a superuser. While a table is
    copied, requests that need it wait, or get 503 with Retry-After. Each step is one transaction:
    the command can be stopped, and a repetition does what is left. After a worker was added, it
    sets that one up and moves shards there.

    Runtime events that are partitioned stay so. To partition them, run partition first.
    """
    _run(config, "distribute", dry_run=dry_run)


@click.command(
    epilog=examples(
        "python -m telemetry undistribute --dry-run", "python -m telemetry undistribute"
    )
)
@dry_run_option
@click.pass_obj
def undistribute(config: Config, *, dry_run: bool) -> None:
    """Bring distributed tables back to the coordinator, as migrate makes them.

    The coordinator needs room for all rows. While a table is copied, requests that need it wait,
    or get 503 with Retry-After. Each step is one transaction: the command can be stopped, and a
    repetition does what is left.
    """
    _run(config, "undistribute", dry_run=dry_run)


def _run(config: Config, command: Literal["distribute", "undistribute"], *, dry_run: bool) -> None:
    urls = resolve(as_owner(config)).database_urls
    if not urls:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    for url in urls:
        name_database(url)
        with connect_without_time_limit(url) as connection:
            try:
                _run_steps(Distribution(connection, command, _say), url, dry_run=dry_run)
            except DistributeError as error:
                raise click.ClickException(str(error)) from error


def _run_steps(distribution: Distribution, url: str, *, dry_run: bool) -> None:
    if pending := runner.status(url).pending:
        raise click.ClickException(
            f"refused: {len(pending)} migration(s) pending, the first is {pending[0]}; run migrate"
        )
    left = distribution.steps_left()
    for step in left:
        if dry_run:
            click.echo("BEGIN;\n\n" + "\n".join(texts(step)) + "\nCOMMIT;\n")
        else:
            distribution.take(step)
    if not left:
        _say("nothing is left to do")


def _say(message: str) -> None:
    click.echo(f"  {message}", err=True)
