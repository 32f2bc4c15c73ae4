"""``python -m telemetry migrate``."""

import sys

import click

from telemetry.cli.examples import examples
from telemetry.cli.partition import add_partitions, is_partitioned
from telemetry.config import Config
from telemetry.database.urls import as_owner
from telemetry.migrations import runner
from telemetry.persistence import resolve
from telemetry.url_parts import redact_url

# The exit status of --status when something is pending.
PENDING = 3


@click.command(
    epilog=examples(
        "python -m telemetry migrate --status", "python -m telemetry migrate --rollback 1"
    )
)
@click.option(
    "--status",
    "only_status",
    is_flag=True,
    help="List applied and pending migrations; change nothing. Exit status 3 if any is pending.",
)
@click.option(
    "--rollback",
    "count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Roll back the last N migrations, or all of them when fewer are applied.",
)
@click.option("--destroy-data", is_flag=True, help="Let a rollback drop tables that hold rows.")
@click.pass_obj
def migrate(config: Config, only_status: bool, count: int | None, destroy_data: bool) -> None:
    """Apply pending migrations to every configured database.

    Connects as the owner where TELEMETRY_OWNER_DATABASE_URL is set. Several may run at once: each
    waits for the one before it.
    """
    if only_status and count:
        raise click.UsageError("--status and --rollback exclude each other")
    if destroy_data and not count:
        raise click.UsageError("--destroy-data goes with --rollback")
    urls = resolve(as_owner(config)).database_urls
    if not urls:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    pending = 0
    for url in urls:
        click.echo(f"database {redact_url(url)}")
        if only_status:
            pending += _print_status(url)
        elif count:
            _rollback(url, count, destroy_data=destroy_data)
        else:
            _migrate(url)
    if pending:
        sys.exit(PENDING)


def _migrate(url: str) -> None:
    status = runner.migrate(url, _print_step)
    for name in add_partitions(url):
        _print_step(f"added the partition {name}")
    _warn_of_edited_files(status)
    click.echo(f"  up to date: {len(status.applied)} migrations applied")


def _rollback(url: str, count: int, *, destroy_data: bool) -> None:
    if is_partitioned(url):
        raise click.ClickException(
            "refused: runtime_events is partitioned; run `partition --undo` first"
        )
    done = runner.rollback(url, count, destroy_data=destroy_data, say=_print_step)
    click.echo(f"  rolled back {len(done)} migration(s)")


def _print_status(url: str) -> int:
    """Print the status of a database; return how many migrations are pending."""
    status = runner.status(url)
    for name in status.applied:
        click.echo(f"  applied  {name}")
    for name in status.pending:
        click.echo(f"  pending  {name}")
    _warn_of_edited_files(status)
    return len(status.pending)


def _warn_of_edited_files(status: runner.Status) -> None:
    for name in status.edited:
        click.echo(f"warning: {name} was edited since it was applied", err=True)


def _print_step(message: str) -> None:
    click.echo(f"  {message}")
