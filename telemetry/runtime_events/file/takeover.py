"""Taking a document ``{"events": [...]}`` over: its events become lines, none is lost."""

import json
import os
import re
import stat
from operator import itemgetter
from typing import BinaryIO

from telemetry.http.errors import Invalid
from telemetry.runtime_events.file.lines import sync_folder, write_all
from telemetry.runtime_events.file.stored import ForeignEvents, decode_line, encode_line

# What tells a document from lines: an object whose first member that is no scalar is "events".
_SCALAR = rb'(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)'
_DOCUMENT = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*\{\s*(?:"(?!events")[^"]*"\s*:\s*'
    + _SCALAR
    + rb'\s*,\s*)*"events"\s*:\s*\['
)

HEAD = 4096


class NoDocument(ValueError):
    """The file begins as a document and is none."""


def is_document(fd: int) -> bool:
    """Whether the open file begins as a document with events does."""
    return _DOCUMENT.match(os.pread(fd, HEAD, 0)) is not None


def document_events(raw: bytes) -> list[bytes]:
    """Return the members of ``events`` as lines, with whatever is no number or text for JSON.

    Raises NoDocument.
    """
    try:
        document = json.loads(raw)
        events = document.get("events") if isinstance(document, dict) else None
        if isinstance(events, list):
            return [json.dumps(event).encode() for event in events]
    except (ValueError, RecursionError) as error:
        raise NoDocument(str(error)) from error
    raise NoDocument("there is no array 'events' in it")


def take_over(path: str, document: BinaryIO, cost_per_second: float) -> None:
    """Replace the document at ``path``, which is open, by a file of lines.

    The caller has the file lock. The new file is whole and durable before it takes the
    name, so that a crash leaves the one or the other. Raises NoDocument or OSError.
    """
    events = document_events(document.read())
    temporary = f"{path}.takeover"
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

    What can't be read as an event stays, as it is, before them.
    """
    foreign = ForeignEvents(cost_per_second, long_integers=True)
    lines: list[tuple[str, bytes]] = []
    for document in documents:
        try:
            event = foreign.read(document)
            lines.append((event["recorded_at"], encode_line(event)))
        except Invalid:
            # Readers bear more in a line of our own form.
            line = document + b"\n"
            stored = decode_line(line)
            lines.append((stored.recorded_at if stored else "", line))
    lines.sort(key=itemgetter(0))
    return b"".join(line for _, line in lines)
