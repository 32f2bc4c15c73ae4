"""Bounding how many values a JSON text holds, before it is parsed.

A value takes two bytes on the wire. Parsed, it takes 60 to 150 bytes of memory and a microsecond
or more. So a text of 16 MiB could take a gigabyte and half a minute.

A value is a number, a text, true, false, null, an array or an object, at any level.
"""

import re
from collections.abc import Iterable
from math import inf
from typing import Any, NoReturn

import msgspec
from msgspec import MsgspecError, Raw

from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.payloads.storable import MAX_DEPTH, TOO_DEEP, Defect, escape_surrogates

# A usual run has 50.
MAX_VALUES_A_RECORD = 100_000
MAX_VALUES_A_BODY = 1_000_000

_KIND = "too_many_values"
TOO_MANY = Defect(f"A record may have at most {MAX_VALUES_A_RECORD:,} values", _KIND)
TOO_MANY_A_BODY = Defect(f"A request may have at most {MAX_VALUES_A_BODY:,} values", _KIND)

# Values take at least this many bytes each, with the comma between them.
_BYTES_A_VALUE = 2

# A string, to its end or to that of the text; an empty array or object; or a character of the
# structure. The possessive quantifiers keep it linear, without memory.
_TOKEN = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|\{\s*+\}|\[\s*+\]|[,\[{\]}]', re.DOTALL
)
_QUOTE = ord('"')
_COMMA = ord(",")
_OPENING = b"[{"
_CLOSING = b"]}"

# A field with more values than this is the one that has too many.
_MOST = MAX_VALUES_A_RECORD // 2

# How much of a field's name a problem quotes.
_NAME_BYTES = 300

Loc = tuple[str | int, ...]


def check_record(record: Any, loc: Loc = ("body",)) -> None:
    """Raise Invalid for a record with too many values.

    The problem is located at the field that has most of them, or at ``loc`` where none has.
    ``record`` is a JSON text or parsed. A text that is also nested too deeply has that problem.
    """
    if not isinstance(record, bytes | Raw):
        _check_parsed(record, loc)
    elif len(record) > _BYTES_A_VALUE * MAX_VALUES_A_RECORD and _may_exceed(record):
        _scan(bytes(record), loc)


def check_body(body: bytes) -> None:
    """Raise Invalid for a body with too many values to be parsed at once."""
    if len(body) > _BYTES_A_VALUE * MAX_VALUES_A_BODY and _count(body) > MAX_VALUES_A_BODY:
        raise _too_many_a_body(("body",))


class Budget:
    """The values that the records of a batch may have together.

    The first record that exceeds them ends the budget: to count the rest could take seconds.
    """

    def __init__(self, records: Iterable[Any]) -> None:
        raw = [record for record in records if isinstance(record, Raw)]
        large = sum(map(len, raw)) > _BYTES_A_VALUE * MAX_VALUES_A_BODY
        crowded = large and sum(map(may_hold, raw)) > MAX_VALUES_A_BODY
        self._left: float = MAX_VALUES_A_BODY if crowded else inf

    def take(self, record: Any, loc: Loc) -> None:
        """Raise Invalid for a record with too many values, or more than are left."""
        if self._left <= 0:
            raise _too_many_a_body(loc)
        check_record(record, loc)
        if self._left < inf and isinstance(record, Raw):
            self._left -= _count(bytes(record))
            if self._left < 0:
                raise _too_many_a_body(loc)


def may_hold(text: bytes | Raw) -> int:
    """Return a number of values that the text does not exceed: commas in strings count too."""
    text = bytes(text)
    # A fraction of the time of bytes.count.
    signs = len(text) - len(text.translate(None, _OPENING + b","))
    if signs > MAX_VALUES_A_RECORD:
        signs -= text.count(b"{}") + text.count(b"[]")
    return 1 + signs


def is_crowded(record: Any) -> bool:
    """Return whether the record is a JSON text that may have too many values to be parsed."""
    return isinstance(record, Raw) and _may_exceed(record)


def _may_exceed(text: bytes | Raw) -> bool:
    return may_hold(text) > MAX_VALUES_A_RECORD


def _count(text: bytes) -> int:
    """Return how many values the text holds, up to one more than the limit of a body."""
    values = 1
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if end - start == 1 and text[start] not in _CLOSING and text[start] != _QUOTE:
            values += 1
            if values > MAX_VALUES_A_BODY:
                break
    return values


def _scan(text: bytes, loc: Loc) -> None:
    """Raise Invalid where the text has too many values, or is nested too deeply before that."""
    values, depth, name = 1, 0, b""
    begun, largest = 1, (0, b"")
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        first = text[start]
        if first == _QUOTE:
            if depth == 1:
                name = text[start : min(end, start + _NAME_BYTES)]
            continue
        if end - start > 1:
            continue
        if first in _CLOSING:
            depth -= 1
            continue
        if depth == 1 and first == _COMMA:
            begun, largest = values, max(largest, (values - begun, name))
        values += 1
        depth += first in _OPENING
        if depth > MAX_DEPTH:
            _refuse(TOO_DEEP, text, loc, name)
        if values > MAX_VALUES_A_RECORD:
            size, name = max(largest, (values - begun, name))
            _refuse(TOO_MANY, text, loc, name if size > _MOST else b"")


def _refuse(defect: Defect, text: bytes, loc: Loc, name: bytes) -> NoReturn:
    """Raise Invalid at the field with this name, in quotes, where the text is an object."""
    field = [_unquoted(name)] if name and text.lstrip().startswith(b"{") else []
    raise Invalid([problem([*loc, *field], *defect[:2])])


def _unquoted(name: bytes) -> str:
    """Return a field's name; one that is cut off, or cannot be encoded, in its JSON form."""
    try:
        return msgspec.json.decode(name, type=str)
    except (MsgspecError, UnicodeDecodeError):
        return name.strip(b'"').decode("utf-8", "replace")


def _too_many_a_body(loc: Loc) -> Invalid:
    return Invalid([problem([*loc], *TOO_MANY_A_BODY[:2])])


def _check_parsed(document: Any, loc: Loc) -> None:
    if _count_parsed(document) <= MAX_VALUES_A_RECORD:
        return
    members = document if isinstance(document, dict) else {}
    field = [escape_surrogates(it) for it in members if _count_parsed(members[it]) > _MOST][:1]
    raise Invalid([problem([*loc, *field], *TOO_MANY[:2])])


def _count_parsed(document: Any) -> int:
    """Return how many values the document holds, as far as it matters."""
    values, waiting = 0, [document]
    while waiting and values <= MAX_VALUES_A_RECORD:
        part = waiting.pop()
        values += 1
        if isinstance(part, dict | list):
            waiting += part.values() if isinstance(part, dict) else part
    return values
