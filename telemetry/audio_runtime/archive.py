"""Writing the events of a device to an archive, which can be checked without the database."""

import filecmp
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from psycopg.rows import tuple_row

from telemetry.audio_runtime.check import snapshot, use_snapshots
from telemetry.audio_runtime.checkers import Connect
from telemetry.audio_runtime.complete_file import complete
from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.kept_heads import Head
from telemetry.audio_runtime.proof.archive import Header, check_archive, event_line, header_line
from telemetry.audio_runtime.proof.declaration import EVENT_COLUMNS
from telemetry.database import statements
from telemetry.database.connection import Connection

ARCHIVE_HEAD = statements.load("audio_runtime/archive_head")
ARCHIVE_EVENTS = statements.load("audio_runtime/archive_events")

# Rows of one round trip of the cursor, and of one message about the progress.
FETCHED = 1000
SAID = 100_000


class CannotArchive(Exception):
    """There is nothing to archive, or the file holds something else; the message says which."""


def archive(
    connect: Connect,
    device: Scope,
    up_to: int | None,
    path: Path,
    say: Callable[[str], None] = lambda _: None,
) -> Header:
    """Write the events of a device up to one of them, or to its newest; return what was written.

    The file is complete and checked, or it is not written. One that exists may have the same
    content. ``say`` is called with the progress. Raises CannotArchive, BadArchive when the ledger
    is not intact, psycopg.Error or OSError.
    """
    wanted = {**device._asdict(), "up_to": up_to}
    with connect() as connection, complete(path, replaces=_is_new_or_same) as file:
        use_snapshots(connection)
        with snapshot(connection):
            head = connection.execute(ARCHIVE_HEAD, wanted, prepare=False).fetchone()
            if head is None:
                which = "event" if up_to is None else f"event {up_to}"
                raise CannotArchive(f"{device} has no {which}")
            names = str(device.tenant_id), str(device.device_id)
            end = Head(head["event_id"], head["row_hash"])
            file.write(header_line(Header(*names, head["events"], end)))
            events = _events(connection, {**wanted, "up_to": end.event_id})
            for count, event in enumerate(events, 1):
                file.write(event_line(event))
                if count % SAID == 0:
                    say(f"{count:,} of {head['events']:,} events written")
        file.flush()
        with open(file.name, encoding="utf-8", newline="\n") as lines:
            return check_archive(lines)


def _events(connection: Connection, wanted: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor("archive", row_factory=tuple_row, binary=True) as cursor:
        cursor.itersize = FETCHED
        cursor.execute(ARCHIVE_EVENTS, wanted)
        found = tuple(it.name for it in cursor.description or ())
        if found != EVENT_COLUMNS:
            raise ValueError(f"the statement reads {found} instead of {EVENT_COLUMNS}")
        yield from cast(Iterator[tuple[Any, ...]], cursor)


def _is_new_or_same(path: Path, written: Path) -> None:
    """Raise CannotArchive when the path holds something else than what was written."""
    if path.exists() and not filecmp.cmp(path, written, shallow=False):
        raise CannotArchive(f"{path} exists and holds something else; nothing was changed")
