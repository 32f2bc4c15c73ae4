"""Converting a document ``{"events": [...]}`` into lines, without losing an event."""

import json
import os
import re
import stat
from operator import itemgetter
from typing import BinaryIO

from telemetry.http.errors import Invalid
from telemetry.runtime_events.file.lines import sync_folder, write_all
from telemetry.runtime_events.file.stored import ExternalEventReader, decode_line, encode_line

# An object whose members are all scalars up to "events", which is an array.
_SCALAR = rb'(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)'
_DOCUMENT = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*\{\s*(?:"(?!events")[^"]*"\s*:\s*'
    + _SCALAR
    + rb'\s*,\s*)*"events"\s*:\s*\['
)

HEAD_BYTES = 4096


class BadDocument(ValueError):
    """The file begins like a document with events, but can't be read as one."""


def is_document(fd: int) -> bool:
    """Return whether the open file begins like a document with events."""
    return _DOCUMENT.match(os.pread(fd, HEAD_BYTES, 0)) is not None


def document_events(raw: bytes) -> list[bytes]:
    """Return each member of ``events`` as JSON on one line. Raises BadDocument.

    As Python reads and writes values that JSON does not allow, such as NaN, lines may hold them.
    """
    try:
        document = json.loads(raw)
        events = document.get("events") if isinstance(document, dict) else None
        if isinstance(events, list):
            return [json.dumps(event).encode() for event in events]
    except (ValueError, RecursionError) as error:
        raise BadDocument(str(error)) from error
    raise BadDocument("it has no array 'events'")


def convert_document(path: str, document: BinaryIO, cost_per_second: float) -> None:
    """Replace the document at ``path``, which is open, by a file of lines.

    The caller holds the file lock. The new file is complete and synced before it gets the name,
    so that a crash leaves either the document or the lines. Raises BadDocument or OSError.
    """
    events = document_events(document.read())
    temporary = f"{path}.converting"
    new = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(new, stat.S_IMODE(os.fstat(document.fileno()).st_mode))
        write_all(new, _lines(events, cost_per_second))
        os.fsync(new)
    finally:
        os.close(new)
    os.rename(temporary, path)
    sync_folder(path)


def _lines(documents: list[bytes], cost_per_second: float) -> bytes:
    """Return the events in the order in which they were recorded.

    Members that can't be read as events come first, unchanged.
    """
    reader = ExternalEventReader(cost_per_second, long_integers=True)
    lines: list[tuple[str, bytes]] = []
    for document in documents:
        try:
            event = reader.read(document)
            lines.append((event["recorded_at"], encode_line(event)))
        except Invalid:
            # Reads of the file accept more values in an event that has every field, so it may
            # still be an event with a time to sort by.
            line = document + b"\n"
            stored = decode_line(line)
            lines.append((stored.recorded_at if stored else "", line))
    lines.sort(key=itemgetter(0))
    return b"".join(line for _, line in lines)
