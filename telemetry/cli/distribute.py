"""``python -m telemetry distribute`` and ``undistribute``: the tables on a cluster of Citus."""

import time
from pathlib import Path

import click
import sqlparse
from psycopg.errors import DeadlockDetected

from telemetry.cli.examples import examples
from telemetry.cli.urls import name_database
from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.unlimited import connect_without_time_limit, transaction_without_time_limit
from telemetry.database.urls import as_owner
from telemetry.migrations import runner
from telemetry.persistence import resolve

ROOT = statements.ROOT / "scale_out"
CHECKS = statements.load("scale_out/distribute/checks")
NODES = statements.load("scale_out/distribute/nodes")

# In every step of either command; the connections end where tables were placed elsewhere.
BEGIN = ROOT / "distribute/begin.sql"
END_CONNECTIONS = ROOT / "distribute/end_connections.sql"
KEEP_COMMENTS = ROOT / "distribute/keep_comments.sql"
RESTORE_COMMENTS = ROOT / "distribute/restore_comments.sql"
PLACES_NO_TABLE = ("00_lanes", "04_settings", "05_balance")

# Of a step that ends in a deadlock with writers.
ATTEMPTS = 10

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


def _run(config: Config, command: str, *, dry_run: bool) -> None:
    urls = resolve(as_owner(config)).database_urls
    if not urls:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    for url in urls:
        name_database(url)
        with connect_without_time_limit(url) as connection:
            _check(connection, url, command)
            left = _steps_left(connection, command)
            for step in left:
                if dry_run:
                    click.echo("BEGIN;\n\n" + "\n".join(_texts(step)) + "\nCOMMIT;\n")
                else:
                    _take(connection, step)
        if not left:
            click.echo("  nothing is left to do", err=True)


def _check(connection: Connection, url: str, command: str) -> None:
    """Raise ClickException when the command cannot run in this database."""
    found = connection.execute(CHECKS).fetchone() or {}
    if not found["has_extension"]:
        raise click.ClickException(
            "refused: the database has no extension citus; run CREATE EXTENSION citus on every"
            " node, then add the workers with citus_add_node"
        )
    if not found["is_superuser"]:
        raise click.ClickException(
            f"refused: the role {found['role']} is no superuser, which Citus asks for to carry"
            " triggers and settings to the workers; set TELEMETRY_OWNER_DATABASE_URL"
        )
    if found["is_partitioned"]:
        raise click.ClickException(
            "refused: runtime_events is partitioned; run partition --undo first"
        )
    if found["secured"] and command == "distribute":
        raise click.ClickException(
            f"refused: row-level security is on for {found['secured']}, and Citus would show every"
            " row to a role that a policy restricts; run the SQL of reader --undo first"
        )
    node = connection.execute(NODES).fetchone() or {}
    if not node["is_coordinator"]:
        raise click.ClickException("refused: this node is a worker; connect to the coordinator")
    if command == "distribute" and not node["workers"]:
        raise click.ClickException(
            "refused: the cluster has no worker that takes shards; add one with citus_add_node"
        )
    if pending := runner.status(url).pending:
        raise click.ClickException(
            f"refused: {len(pending)} migration(s) pending, the first is {pending[0]}; run migrate"
        )


def _steps_left(connection: Connection, command: str) -> list[Path]:
    """Return the files of the steps that are not done, in order."""
    statement = statements.load(f"scale_out/{command}/done")
    done = {row["step"] for row in connection.execute(statement)}
    steps = sorted((ROOT / command).glob("[0-9]*.sql"))
    left = [step for step in steps if step.stem not in done]
    # A distribution places shards on all workers.
    fresh = command == "distribute" and "01_runs" not in done
    return [step for step in left if not (fresh and step.stem == "05_balance")]


def _take(connection: Connection, step: Path) -> None:
    """Take a step, again when it met writers that hold locks in another order."""
    click.echo(f"  {step.stem} …", err=True)
    began = time.monotonic()
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            _run_in_transaction(connection, step)
            break
        except DeadlockDetected:
            if not attempts_left:
                raise
            click.echo(f"  {step.stem} waits for writers, and begins again …", err=True)
    click.echo(f"  {step.stem} done in {time.monotonic() - began:.1f} s", err=True)


def _run_in_transaction(connection: Connection, step: Path) -> None:
    with transaction_without_time_limit(connection):
        for text in _texts(step):
            # Citus passes on the text of what it is sent, as one statement.
            for statement in sqlparse.split(text):
                connection.execute(statement.encode(), prepare=False)


def _texts(step: Path) -> list[str]:
    """Return what a step runs in its transaction."""
    files = [step]
    if step.stem not in PLACES_NO_TABLE:
        files = [BEGIN, KEEP_COMMENTS, step, RESTORE_COMMENTS, END_CONNECTIONS]
    return [file.read_text(encoding="utf-8") for file in files]
