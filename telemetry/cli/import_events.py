"""``python -m telemetry import-events``."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from telemetry.cli.connections import require_url
from telemetry.cli.examples import examples
from telemetry.config import Config, redact_url
from telemetry.database.database import Database
from telemetry.database.errors import DatabaseUnavailable
from telemetry.http.errors import Invalid
from telemetry.persistence import resolve
from telemetry.runtime_events.events import Event
from telemetry.runtime_events.file.document import BadDocument, document_events, is_document
from telemetry.runtime_events.file.stored import ExternalEventReader
from telemetry.runtime_events.store import DatabaseEvents

BATCH = 1000


class Entry(NamedTuple):
    """An entry of the file: its place, and its event or the problem that it has."""

    place: str
    event: Event | None
    problem: str = ""


@click.command(
    "import-events", epilog=examples("python -m telemetry import-events runtime_events.jsonl")
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_events(config: Config, file: Path) -> None:
    """Import the runtime events in FILE into the database.

    FILE holds JSON Lines or one document {"events": [...]}. An entry that cannot be read is
    reported with its line (or its number in the document), and the exit status is 1; all others
    are imported.

    The command can be run again: events that are already in the database do not change.
    """
    url = require_url(resolve(config).runtime_events.url)
    click.echo(f"database {redact_url(url)}")
    database = Database(url, pool_size=1, prepared_statements=config.db_prepared_statements)
    try:
        unreadable = _import(_entries(file, config.runtime_cost_per_second), database)
    except (DatabaseUnavailable, BadDocument, OSError) as error:
        raise click.ClickException(f"{error}; the same command can be run again") from error
    finally:
        database.close()
    if unreadable:
        raise click.ClickException(f"{unreadable:,} unreadable, named above")


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


def _entry(place: str, line: bytes, reader: ExternalEventReader) -> Entry:
    try:
        return Entry(place, reader.read(line))
    except Invalid as invalid:
        problems = "; ".join(
            ".".join(map(str, it["loc"])) + f": {it['msg']}" for it in invalid.problems
        )
        return Entry(place, None, problems.removeprefix("body: "))
