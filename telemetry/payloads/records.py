"""From the body of a batch to its raw records.

A batch is a JSON array, ``{"<name>": [...]}``, or JSON Lines. Its records are not parsed here, so
that each of them can be loaded by itself.
"""

import re
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

import msgspec
from msgspec import UNSET, MsgspecError, Raw, UnsetType
from msgspec.structs import astuple

from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.payloads.body import JSON, JSON_LINES, read_body
from telemetry.payloads.parsing import parse_document, parse_if_raw
from telemetry.payloads.size import MAX_VALUES_A_RECORD, check_body, may_hold
from telemetry.payloads.storable import defect_problems, find_defects

# A list of all records of a body up to this size takes little memory, even of very short ones.
SMALL_BODY = 256 * 1024

# Members of an object besides its records. Each is parsed, to check that it is valid JSON.
MAX_EXTRA_MEMBERS = 1000
TOO_MANY_EXTRA = f"An object may have at most {MAX_EXTRA_MEMBERS:,} members besides its records"

# Lines end at \n alone: a \r is white space, which may be inside a record too.
_LINE = re.compile(rb"[^ \t\r\n][^\n]*")

_object = msgspec.json.Decoder(dict[str, Raw])
_array = msgspec.json.Decoder(list[Raw])


def read_records(name: str, max_records: int) -> list[Any]:
    """Return the request's records. Each is Raw, or parsed where the body had to be parsed.

    ``name`` is the member that holds the records in the object form. Raises Invalid for a body
    that is not a batch, or one of more than ``max_records`` records.
    """
    content_type, body = read_body(JSON, *JSON_LINES)
    if content_type in JSON_LINES:
        lines = (Raw(line[0]) for line in _LINE.finditer(body))
        records: list[Any] = [*islice(lines, max_records + 1)]
    else:
        records = _split_json(name, body, max_records)
    if len(records) > max_records:
        message = f"A batch may have at most {max_records:,} records"
        raise Invalid([problem(["body"], message, "too_long")])
    return records


def _split_json(name: str, body: bytes, max_records: int) -> list[Any]:
    """Return the records of an array, bare or in an object; at most ``max_records`` + 1."""
    small = len(body) <= SMALL_BODY
    try:
        if body.lstrip()[:1] == b"[":
            return _array.decode(body) if small else _first_records(max_records + 1, body)
        if not small:
            _check_extra_size(name, body)
        members = _object.decode(body)
        _check_extra_members(name, members)
        array = members[name]
        return _array.decode(array) if small else _first_records(max_records + 1, array)
    except (MsgspecError, UnicodeDecodeError, KeyError, RecursionError):
        check_body(body)
        return _records_of(name, parse_document(body))


def _records_of(name: str, document: Any) -> list[Any]:
    """Return the records of a parsed document. Raises Invalid where it is not a batch."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise Invalid([problem(["body"], f'Must be an array or {{"{name}": [...]}}', "list_type")])
    if name not in document:
        raise Invalid([problem(["body", name], "Field required", "missing")])
    if not isinstance(document[name], list):
        raise Invalid([problem(["body", name], "Must be an array", "list_type")])
    _check_extra_members(name, document)
    return list(document[name])


def _check_extra_size(name: str, body: bytes) -> None:
    """Raise Invalid where the members besides the records may have too many values.

    Each of them takes memory when it is decoded, even as Raw.
    """
    array = _batch_decoder(name).decode(body).records
    of_records = 0 if array is UNSET else may_hold(array)
    if may_hold(body) - of_records > MAX_VALUES_A_RECORD:
        raise Invalid([problem(["body"], TOO_MANY_EXTRA, "too_long")])


def _check_extra_members(name: str, members: dict[str, Any]) -> None:
    """Raise Invalid for too many members besides the records, or for an invalid one.

    Their values are not used.
    """
    extra = members.keys() - {name}
    if len(extra) > MAX_EXTRA_MEMBERS:
        raise Invalid([problem(["body"], TOO_MANY_EXTRA, "too_long")])
    if found := find_defects({it: parse_if_raw(members[it], ("body", it)) for it in extra}):
        raise Invalid(defect_problems(found))


def _first_records(count: int, array: bytes | Raw) -> list[Raw]:
    """Return the first records of an array, which may have 8 million in 16 MB."""
    records = astuple(_decoder_of_first(count).decode(array))
    return [*takewhile(lambda record: record is not UNSET, records)]


@lru_cache
def _batch_decoder(name: str) -> msgspec.json.Decoder[Any]:
    """Return a decoder of the object form, which skips every member but the records."""
    fields = [("records", Raw | UnsetType, UNSET)]
    return msgspec.json.Decoder(msgspec.defstruct("Batch", fields, rename={"records": name}))


@lru_cache
def _decoder_of_first(count: int) -> msgspec.json.Decoder[msgspec.Struct]:
    """Return a decoder that checks an array of any length, but keeps only its first records."""
    fields = [(f"record_{number}", Raw | UnsetType, UNSET) for number in range(count)]
    return msgspec.json.Decoder(msgspec.defstruct("Records", fields, array_like=True, gc=False))
