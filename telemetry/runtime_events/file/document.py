"""Converting a document of events into lines, without losing an event.

A document is ``{"events": [...]}``, with any other members, or an array of events. Lines that were
appended to a document, which make it invalid as a whole, are converted too.
"""

import codecs
import json
import mmap
import os
import re
import stat
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from telemetry.files import sync_folder
from telemetry.http.errors import Invalid
from telemetry.runtime_events.file.lines import write_all
from telemetry.runtime_events.file.stored import ExternalEventReader, decode_line, encode_line

_WHITE_SPACE = " \t\r\n"

# A raw line end in a string is not JSON: it is where a torn line ends.
_STRING = rb'"(?:[^"\\\x00-\x1f]|\\.)*"'
_TOKEN = re.compile(rb"\s*(" + _STRING + rb"|[][{}:,]|[-+.\w]+)")
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")

# What may precede an opening bracket: as a member of the outermost object, and anywhere else.
_BEFORE_MEMBER = (b":",)
_BEFORE_VALUE = (b":", b",", b"[", b"")

HEAD_BYTES = 4096
FIRST_LINE_BYTES = 1024 * 1024


class BadDocument(ValueError):
    """The file begins like a document with events, but can't be read as one."""


def is_document(fd: int) -> bool:
    """Return whether the open file begins as a document, and not as lines do."""
    head = os.pread(fd, HEAD_BYTES, 0)
    start = len(head) - len(head.removeprefix(codecs.BOM_UTF8).lstrip(_WHITE_SPACE.encode()))
    if head[start : start + 1] not in _OPENING:
        return False
    if b"\n" not in head:
        head = os.pread(fd, FIRST_LINE_BYTES, 0)
    if decode_line(head.partition(b"\n")[0]):
        return False
    if head[start : start + 1] == b"[":
        return True
    with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as file:
        return _is_object_with_events(file, start)


def _is_object_with_events(file: mmap.mmap, start: int) -> bool:
    """Return whether the object at ``start`` has an array ``events``, or ends on another line.

    What is neither is a line: an object that is not an event, or a torn one.
    """
    depth, position, before = 0, start, (b"", b"", b"")
    while token := _TOKEN.match(file, position):
        position = token.end()
        before = (*before[1:], token[1])
        if depth == 1 and before == (b'"events"', b":", b"["):
            return True
        if token[1] in _OPENING:
            if before[1] not in (_BEFORE_MEMBER if depth == 1 else _BEFORE_VALUE):
                return False
            depth += 1
        elif token[1] in _CLOSING:
            depth -= 1
            if depth == 0:
                return file.find(b"\n", start, position) >= 0
    return False


def document_events(raw: bytes) -> list[bytes]:
    """Return each event as JSON on one line. Raises BadDocument.

    As Python reads and writes values that JSON does not allow, such as NaN, lines may hold them.
    """
    text = raw.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape").lstrip(_WHITE_SPACE)
    try:
        document, end = json.JSONDecoder().raw_decode(text)
        text[:end].encode()  # which fails where the document is not UTF-8
        lines = _members(document)
    except (ValueError, RecursionError) as error:
        raise BadDocument(str(error)) from error
    if lines is None:
        raise BadDocument("it has no array 'events'")
    for line in text[end:].encode(errors="surrogateescape").split(b"\n"):
        if line.strip():
            lines += _members_of_line(line) or [line]
    return lines


def _members(document: Any) -> list[bytes] | None:
    """Return the events of a document as lines; None when it has no array of events."""
    events = document.get("events") if isinstance(document, dict) else document
    return [json.dumps(it).encode() for it in events] if isinstance(events, list) else None


def _members_of_line(line: bytes) -> list[bytes] | None:
    try:
        return _members(json.loads(line))
    except (ValueError, RecursionError):
        return None


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
    sync_folder(Path(path).parent)


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
