"""Archives: the events of one device up to a head, in a file that needs no database.

The file is JSON Lines in UTF-8: a header, then each event in the order of ``event_id``::

    {"format": "telemetry-archive", "version": 1, "tenant_id", "device_id", "events": 2,
     "head": {"event_id", "row_hash"}}
    {"event_id", "tenant_id", "device_id", …, "row_hash"}

An event has all columns under their names, null where there is no value; hashes are in lower-case
hex. docs/database.md describes the check for a program in any language. This is the one of the
project, and it needs only the standard library::

    python -m telemetry.audio_runtime.proof.archive FILE
"""

import json
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from telemetry.audio_runtime.kept_heads import Head
from telemetry.audio_runtime.proof import canonical
from telemetry.audio_runtime.proof.declaration import EVENT_COLUMNS, FIELDS, PLACE
from telemetry.audio_runtime.proof.export import typed

FORMAT = "telemetry-archive"
VERSION = 1


class BadArchive(Exception):
    """A line of the archive is wrong; the message names the first one."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")


class Header(NamedTuple):
    """What an archive holds: ``events`` of a device, of which the last is the ``head``."""

    tenant_id: str
    device_id: str
    events: int
    head: Head

    def __str__(self) -> str:
        """Return it as a phrase."""
        return (
            f"{self.events:,} events of device {self.device_id} of tenant {self.tenant_id}, up to"
            f" event {self.head.event_id} with row_hash {self.head.row_hash}"
        )


def header_line(header: Header) -> str:
    """Return the first line."""
    names = {"tenant_id": header.tenant_id, "device_id": header.device_id}
    first = {"format": FORMAT, "version": VERSION, **names, "events": header.events}
    return _line({**first, "head": header.head._asdict()})


def event_line(event: tuple[Any, ...]) -> str:
    """Return the line of an event, whose values are in the order of EVENT_COLUMNS."""
    return _line(dict(zip(EVENT_COLUMNS, [*event[:-1], event[-1].hex()], strict=True)))


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"


def name_of(header: Header) -> tuple[str, str]:
    """Return the tenant and the device."""
    return header.tenant_id, header.device_id


def check_archive(lines: Iterable[str], heads: Mapping[tuple[str, str], Head] = {}) -> Header:
    """Return the header of an archive in which nothing is wrong, and which has the kept head.

    A kept head above that of the archive is ignored. Raises BadArchive for the first bad line, and
    UnicodeDecodeError for a file that is not UTF-8.
    """
    numbered = enumerate(lines, 1)
    header = _header(next(numbered, (1, "{}\n"))[1])
    kept = heads.get(name_of(header), Head(None, None))
    previous, last_id, number = canonical.FIRST_HASH, None, 1
    is_kept = kept.event_id is None or kept.event_id > (header.head.event_id or 0)
    for number, line in numbered:
        event = _event(line, header, number)
        event_id = event[PLACE["event_id"]]
        if last_id is not None and event_id <= last_id:
            raise BadArchive(number, f"event_id={event_id} is not above {last_id}")
        row_hash = _linked(previous, event, number)
        if row_hash != event[-1]:
            found = f"row_hash is {event[-1].hex()}, computed {row_hash.hex()}"
            raise BadArchive(number, f"event_id={event_id}: {found}")
        _require_same(line, event_line(event), number)
        if event_id == kept.event_id:
            if row_hash.hex() != kept.row_hash:
                raise BadArchive(number, f"event_id={event_id}: the kept head has another row_hash")
            is_kept = True
        previous, last_id = row_hash, event_id
    _end(header, number, Head(last_id, previous.hex()))
    if not is_kept:
        raise BadArchive(number, f"the event of the kept head is missing: {kept.event_id}")
    return header


def _end(header: Header, number: int, last: Head) -> None:
    """Raise BadArchive unless the last event is the head, and no event is missing."""
    if number - 1 != header.events:
        raise BadArchive(number, f"the header says {header.events} events, found {number - 1}")
    if last != header.head:
        raise BadArchive(number, f"the last event is not the head {header.head.event_id}")


def _document(line: str, number: int) -> Any:
    if not line.endswith("\n"):
        raise BadArchive(number, "the line is cut off: it does not end")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadArchive(number, f"no JSON: {error}") from error


def _require_same(line: str, written: str, number: int) -> None:
    """Raise BadArchive for a line that means the same, or more, in other bytes.

    So no member is added or repeated, which programs would read in different ways.
    """
    if line != written:
        raise BadArchive(number, "the line is not byte for byte what archive writes")


def _header(line: str) -> Header:
    document = _document(line, 1)
    try:
        if document["format"] != FORMAT:
            raise BadArchive(1, "no header of an archive")
        if document["version"] != VERSION:
            raise BadArchive(1, f"version {document['version']}, this release reads {VERSION}")
        head = document["head"]
        header = Header(
            document["tenant_id"],
            document["device_id"],
            document["events"],
            Head(head["event_id"], head["row_hash"]),
        )
    except KeyError as error:
        raise BadArchive(1, f"no header of an archive: {error.args[0]} is missing") from error
    except TypeError as error:
        raise BadArchive(1, "no header of an archive") from error
    if type(header.events) is not int or header.events < 1:
        raise BadArchive(1, "events is how many there are")
    _require_same(line, header_line(header), 1)
    return header


def _event(line: str, header: Header, number: int) -> tuple[Any, ...]:
    document = _document(line, number)
    try:
        values = [typed(document[it.name], it.type, it.name) for it in FIELDS]
        event = (*values, bytes.fromhex(document["row_hash"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadArchive(number, f"no event: {error!r}") from error
    names = event[PLACE["tenant_id"]], event[PLACE["device_id"]]
    if names != name_of(header):
        raise BadArchive(number, "the event is of another device")
    return event


def _linked(previous: bytes, event: tuple[Any, ...], number: int) -> bytes:
    try:
        return canonical.link(previous, canonical.content(event))
    except (ValueError, TypeError, KeyError, struct.error) as error:
        raise BadArchive(number, f"a value that no column holds: {error!r}") from error


def main() -> int:
    """Check the file that is named; return 0, or 1 when a line is wrong, or 2."""
    if len(sys.argv) != 2:
        print("Error: name one FILE", file=sys.stderr)
        return 2
    path = sys.argv[1]
    try:
        with open(path, encoding="utf-8", newline="\n") as lines:
            print(f"nothing is wrong: {check_archive(lines)}")
    except BadArchive as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
