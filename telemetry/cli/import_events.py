"""``python -m telemetry import-events``."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

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
    """One entry of a file: where it stands, and the event, or what is wrong with it."""

    place: str
    event: Event | None
    wrong: str = ""


@click.command("import-events")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_events(config: Config, file: Path) -> None:
    """Move the runtime events in FILE into the database; a second time changes nothing.

    FILE holds JSON Lines or one document {"events": [...]}. What can't be read is reported
    with its line (or its number in the document), the rest is imported.
    """
    backend = resolve(config).runtime_events
    if backend.url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    click.echo(f"database {redact_url(backend.url)}")
    database = Database(backend.url, pool_size=1, prepared_statements=config.db_prepared_statements)
    try:
        unreadable = _import(_entries(file, config.runtime_cost_per_second), database)
    except (DatabaseUnavailable, BadDocument, OSError) as error:
        raise click.ClickException(f"{error}; the same command can be run again") from error
    finally:
        database.close()
    if unreadable:
        raise click.ClickException(f"{unreadable:,} unreadable, named above")


def _import(entries: Iterator[Entry], database: Database) -> int:
    """Import in batches, each in a transaction; return how many could not be."""
    store = DatabaseEvents(database)
    read = inserted = duplicates = unreadable = 0
    while batch := [*islice(entries, BATCH)]:
        events = {index: entry.event for index, entry in enumerate(batch) if entry.event}
        result = store.create_batch(events)
        bad = {index: entry.wrong for index, entry in enumerate(batch) if not entry.event}
        bad |= {index: f"refused by {name}" for index, name in result.refused.items()}
        for index, wrong in sorted(bad.items()):
            click.echo(f"{batch[index].place}: {wrong}", err=True)
        read += len(batch)
        inserted += result.inserted
        duplicates += result.duplicates
        unreadable += len(bad)
        click.echo(f"  {read:,} read")
    click.echo(f"{inserted:,} imported, {duplicates:,} already there, {unreadable:,} unreadable")
    return unreadable


def _entries(file: Path, cost_per_second: float) -> Iterator[Entry]:
    reader = ExternalEventReader(cost_per_second)
    with file.open("rb") as opened:
        if is_document(opened.fileno()):
            for number, document in enumerate(document_events(opened.read()), 1):
                yield _entry(f"event {number}", document, reader)
            return
        for number, line in enumerate(opened, 1):
            if line.strip():
                yield _entry(f"line {number}", line, reader)


def _entry(place: str, line: bytes, reader: ExternalEventReader) -> Entry:
    try:
        return Entry(place, reader.read(line))
    except Invalid as invalid:
        wrong = "; ".join(
            ".".join(map(str, it["loc"])) + f": {it['msg']}" for it in invalid.problems
        )
        return Entry(place, None, wrong.removeprefix("body: "))
