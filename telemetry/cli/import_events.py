"""``python -m telemetry import-events``."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from telemetry.cli.examples import examples
from telemetry.cli.urls import require_url
from telemetry.config import Config
from telemetry.database.connection import connect
from telemetry.database.database import Database
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.urls import as_owner
from telemetry.http.errors import Invalid
from telemetry.migrations import older_events
from telemetry.persistence import resolve
from telemetry.runtime_events.events import Event
from telemetry.runtime_events.file.document import BadDocument, document_events, is_document
from telemetry.runtime_events.file.stored import ExternalEventReader
from telemetry.runtime_events.older_rows import older_rows
from telemetry.runtime_events.store import DatabaseEvents
from telemetry.url_parts import redact_url

BATCH = 1000


class Entry(NamedTuple):
    """An entry of a file or a table: its place, and its event or the problem that it has."""

    place: str
    event: Event | None
    problem: str = ""


@click.command(
    "import-events",
    epilog=examples(
        "python -m telemetry import-events runtime_events.jsonl",
        f"python -m telemetry import-events --table {older_events.ASIDE}",
    ),
)
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)
@click.option(
    "--table", metavar="NAME", help="Take the rows of an older service's table instead of a file."
)
@click.pass_obj
def import_events(config: Config, file: Path | None, table: str | None) -> None:
    """Import the runtime events in FILE into the database.

    FILE holds JSON Lines or one document {"events": [...]}. An entry that cannot be read is
    reported with its line (or its number in the document, or its id in a table), and the exit
    status is 1; all others are imported.

    migrate moves the table of an older service aside, as runtime_events_before_migration.
    --table imports its rows and does not change that table.

    The command can be run again: events that are already in the database do not change.
    """
    if (file is None) == (table is None):
        raise click.UsageError("give either FILE or --table")
    url = require_url(resolve(as_owner(config)).runtime_events.url)
    click.echo(f"database {redact_url(url)}")
    if table is not None:
        _require_older_table(url, table)
    database = Database(url, pool_size=1, prepared_statements=config.db_prepared_statements)
    cost = config.runtime_cost_per_second
    # str(): without a file, the table is given.
    entries = _entries(file, cost) if file else _rows(database, str(table), cost)
    try:
        unreadable = _import(entries, database)
    except (DatabaseUnavailable, BadDocument, OSError) as error:
        raise click.ClickException(f"{error}; the same command can be run again") from error
    finally:
        database.close()
    if unreadable:
        raise click.ClickException(f"{unreadable:,} unreadable, named above")


def _require_older_table(url: str, table: str) -> None:
    """Raise ClickException unless the table is one of an older service."""
    with connect(url) as connection:
        found = older_events.find(connection, table)
    if found is None:
        raise click.ClickException(f"the database has no table {table!r}")
    if found.difference:
        raise click.ClickException(
            f"{table} is not the runtime_events of an older service: {found.difference}"
        )


def _import(entries: Iterator[Entry], database: Database) -> int:
    """Import the entries in batches of one transaction each; return how many were unreadable."""
    store = DatabaseEvents(database)
    read = inserted = duplicates = unreadable = 0
    while batch := [*islice(entries, BATCH)]:
        events = {index: entry.event for index, entry in enumerate(batch) if entry.event}
        result = store.create_batch(events)
        problems = {index: entry.problem for index, entry in enumerate(batch) if not entry.event}
        problems |= {index: f"refused by {name}" for index, name in result.refused.items()}
        for index, problem in sorted(problems.items()):
            click.echo(f"{batch[index].place}: {problem}", err=True)
        read += len(batch)
        inserted += result.inserted
        duplicates += result.duplicates
        unreadable += len(problems)
        click.echo(f"  {read:,} read")
    click.echo(f"{inserted:,} imported, {duplicates:,} already there, {unreadable:,} unreadable")
    return unreadable


def _entries(file: Path, cost_per_second: float) -> Iterator[Entry]:
    reader = ExternalEventReader(cost_per_second)
    with file.open("rb") as lines:
        if is_document(lines.fileno()):
            for number, document in enumerate(document_events(lines.read()), 1):
                yield _entry(f"event {number}", document, reader)
            return
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _entry(f"line {number}", line, reader)


def _rows(database: Database, table: str, cost_per_second: float) -> Iterator[Entry]:
    reader = ExternalEventReader(cost_per_second)
    for row in older_rows(database, table):
        place = f"id {json.dumps(row.id)}"  # on one line, whatever is in it
        if row.document is None:
            yield Entry(place, None, row.problem)
        else:
            yield _entry(place, row.document, reader)


def _entry(place: str, line: bytes, reader: ExternalEventReader) -> Entry:
    try:
        return Entry(place, reader.read(line))
    except Invalid as invalid:
        problems = "; ".join(
            ".".join(map(str, it["loc"])) + f": {it['msg']}" for it in invalid.problems
        )
        return Entry(place, None, problems.removeprefix("body: "))
