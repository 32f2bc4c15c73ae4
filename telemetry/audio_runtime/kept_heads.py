"""Heads that somebody kept: the answers of the heads endpoint, in a file."""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

NAME = "[A-Za-z0-9._:-]+"


class Head(NamedTuple):
    """The end of a device's chain as it was once: ``row_hash`` in lower-case hex."""

    event_id: int | None
    row_hash: str | None


Heads = dict[tuple[str, str], Head]


class BadHeads(Exception):
    """The file holds no heads; the message is one line for the operator."""


class _Document(NamedTuple):
    """A JSON document of the file; ``place`` is the file's name, with the line where it has one."""

    place: str
    value: Any


def read_heads(path: Path) -> Heads:
    """Read ``{"items": [...]}`` or an array of heads, or several such documents, a line each.

    Raises BadHeads, with the number of the line that cannot be read.
    """
    raw = _read(path)
    try:
        documents = [*_lines(path, raw)]
    except BadHeads as bad_line:
        documents = [_whole(path, raw, bad_line)]
    return {name: head for document in documents for name, head in _heads(document)}


def check_lines(path: Path) -> None:
    """Raise BadHeads unless each line of the file is a document that read_heads reads."""
    for document in _lines(path, _read(path)):
        for _ in _heads(document):
            pass


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise BadHeads(f"{path}: {error.strerror}") from error


def _lines(path: Path, raw: bytes) -> Iterator[_Document]:
    for number, line in enumerate(raw.splitlines(), 1):
        if line.strip():
            try:
                yield _Document(f"{path}:{number}", json.loads(line.decode()))
            except (ValueError, RecursionError) as error:  # not UTF-8, or nested too deep
                raise BadHeads(f"{path}:{number}: not JSON: {error}") from error


def _whole(path: Path, raw: bytes, bad_line: BadHeads) -> _Document:
    """Return the file as one document over several lines."""
    try:
        return _Document(str(path), json.loads(raw.decode()))
    except (UnicodeDecodeError, RecursionError):
        raise bad_line from None
    except json.JSONDecodeError as error:
        # After a whole document on the first lines, the file was meant to have one per line.
        if error.msg == "Extra data":
            raise bad_line from None
        raise BadHeads(f"{path}:{error.lineno}: not JSON: {error.msg}") from error


def _heads(document: _Document) -> Iterator[tuple[tuple[str, str], Head]]:
    value, place = document.value, document.place
    items = value.get("items") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise BadHeads(f"{place}: takes what GET /api/v1/audio-runtime/heads returns")
    for item in items:
        yield _head(item, place)


def _head(item: Any, place: str) -> tuple[tuple[str, str], Head]:
    try:
        name = item["tenant_id"], item["device_id"]
        event_id, row_hash = item["event_id"], item["row_hash"].lower()
    except (TypeError, KeyError, AttributeError):
        name, event_id, row_hash = ("", ""), None, ""
    good = (
        all(isinstance(part, str) and re.fullmatch(NAME, part) for part in name)
        and type(event_id) is int  # a boolean is one to isinstance
        and -(2**63) <= event_id < 2**63
        and re.fullmatch("[0-9a-f]{64}", row_hash)
    )
    if not good:
        raise BadHeads(f"{place}: a head needs tenant_id, device_id, event_id and row_hash")
    return name, Head(event_id, row_hash)
