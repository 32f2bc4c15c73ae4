"""Reading a batch: a JSON array, ``{"<name>": [...]}``, or JSON Lines.

One bad record blocks no other.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, takewhile
from operator import itemgetter
from time import monotonic, sleep
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, MsgspecError, Raw, UnsetType
from msgspec.structs import astuple

from telemetry.database.copy import CopyRow
from telemetry.http.errors import Invalid, Problem, problem
from telemetry.payloads.body import JSON, NDJSON, read_body
from telemetry.payloads.loading import Loaded, ignored_fields
from telemetry.payloads.parsing import parse_document, parsed
from telemetry.payloads.storable import defects, problems

# A large batch lets the other requests of the process have their turn after so long.
TURN_SECONDS = 0.01

# Problems that an answer tells in all; a record that has some has one told whatever came before.
MAX_PROBLEMS_A_BATCH = 10_000

# Up to here a list of all records takes little, however short they are and so however many.
_SMALL_BODY = 256 * 1024

# Members of an object beside its records, each of which is parsed to see whether it is JSON.
MAX_EXTRA_MEMBERS = 1000

# At \n alone: a \r is white space, which may stand within a record as well.
_LINE = re.compile(rb"[^ \t\r\n][^\n]*")

Record = TypeVar("Record", dict[str, Any], CopyRow)
Result = TypeVar("Result")

_object = msgspec.json.Decoder(dict[str, Raw])
_array = msgspec.json.Decoder(list[Raw])


@dataclass
class Batch(Generic[Record]):
    """The records of one request: the valid ones by index, the problems of the others.

    ``key`` is the field that names a record in its error entry.
    """

    key: str
    total: int = 0
    valid: dict[int, Record] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)

    @property
    def status(self) -> int:
        """422 when there were records and none was valid."""
        return 422 if self.errors and len(self.errors) == self.total else 200

    def fail(self, index: int, named: Any, problems: list[Problem]) -> None:
        """Report a record, by its name when that is a text which can be sent back."""
        usable = isinstance(named, str) and len(named) <= 255 and named.isprintable()
        name = named if usable else None
        self.errors.append({"index": index, self.key: name, "detail": problems})

    def refuse(self, refused: dict[int, str]) -> None:
        """Report the records that a constraint refused, by index."""
        for index, constraint in refused.items():
            message = f"Database integrity error: {constraint}"
            named = _named(self.valid[index], self.key)
            self.fail(index, named, [problem(["body", index], message, "integrity")])
        self.errors.sort(key=itemgetter("index"))

    def body(self, inserted: int, duplicates: int, **more: Any) -> dict[str, Any]:
        """Return the answer's body."""
        more |= ignored_fields(self.ignored)
        counted = {"inserted": inserted, "duplicates": duplicates}
        return {**counted, "errors": self.errors, "total": self.total, **more}


def read_batch(
    name: str,
    load: Callable[[Any, tuple[str | int, ...]], Loaded[Record]],
    *,
    max_records: int,
    key: str,
) -> Batch[Record]:
    """Read the request's batch and ``load`` each record.

    ``name`` is the member that holds the records in the object form, ``key`` the field that
    names a record in its error entry. Raises Invalid for a body that is no batch, or one of
    more than ``max_records`` records.
    """
    records = read_records(name, max_records)
    batch: Batch[Record] = Batch(key, total=len(records))

    def fail(index: int, record: Any, problems: list[Problem]) -> None:
        batch.fail(index, _named(record, key), problems)

    for index, (values, ignored) in load_each(records, load, fail):
        batch.valid[index] = values
        batch.ignored.update(ignored)
    return batch


def read_records(name: str, max_records: int) -> list[Any]:
    """Return the request's records, each for ``load``: Raw, or parsed where it had to be.

    Raises Invalid for a body that is no batch, or one of more than ``max_records`` records.
    """
    content_type, body = read_body(JSON, NDJSON)
    if content_type == NDJSON:
        lines = (Raw(line[0]) for line in _LINE.finditer(body))
        records: list[Any] = [*islice(lines, max_records + 1)]
    else:
        records = _members(name, body, max_records)
    if len(records) > max_records:
        raise Invalid(
            [problem(["body"], f"A batch takes at most {max_records:,} records", "too_long")]
        )
    return records


def load_each(
    records: list[Any],
    load: Callable[[Any, tuple[str | int, ...]], Result],
    fail: Callable[[int, Any, list[Problem]], None],
) -> Iterator[tuple[int, Result]]:
    """Yield the index of each valid record and what ``load`` makes of it.

    ``fail`` is told the index of each other record, the record, and its problems. The other
    requests of the process have their turns meanwhile.
    """
    untold = MAX_PROBLEMS_A_BATCH
    turn = monotonic()
    for index, record in enumerate(records):
        if monotonic() - turn > TURN_SECONDS:
            sleep(0)
            turn = monotonic()
        try:
            result = load(record, ("body", index))
        except Invalid as invalid:
            told = invalid.problems[: max(1, untold)]
            untold -= len(told)
            fail(index, record, told)
        else:
            yield index, result


def _members(name: str, body: bytes, max_records: int) -> list[Any]:
    """Return the records of an array, bare or in an object; at most ``max_records`` + 1."""
    small = len(body) <= _SMALL_BODY
    try:
        if body.lstrip()[:1] == b"[":
            return _array.decode(body) if small else _split_first(max_records + 1, body)
        parts = _object.decode(body)
        _check_extra_members(name, parts)
        return _array.decode(parts[name]) if small else _split_first(max_records + 1, parts[name])
    except (MsgspecError, KeyError, RecursionError):
        document = parse_document(body)
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


def _check_extra_members(name: str, members: dict[str, Any]) -> None:
    """Raise Invalid where there is much beside the records, or what no payload may hold.

    Nobody reads it.
    """
    beside = members.keys() - {name}
    if len(beside) > MAX_EXTRA_MEMBERS:
        message = f"An object takes at most {MAX_EXTRA_MEMBERS:,} members beside its records"
        raise Invalid([problem(["body"], message, "too_long")])
    if found := defects({it: parsed(members[it], ("body", it)) for it in beside}):
        raise Invalid(problems(found))


def _split_first(max_records: int, array: bytes | Raw) -> list[Raw]:
    """Return the first records of an array, of which there may be 8 million in 16 MB."""
    records = astuple(_first(max_records).decode(array))
    return [*takewhile(lambda record: record is not UNSET, records)]


@lru_cache
def _first(max_records: int) -> msgspec.json.Decoder[msgspec.Struct]:
    """Return a decoder that checks an array of any length, and keeps its first records alone."""
    fields = [(f"record_{number}", Raw | UnsetType, UNSET) for number in range(max_records)]
    return msgspec.json.Decoder(msgspec.defstruct("Records", fields, array_like=True, gc=False))


def _named(record: Any, key: str) -> Any:
    """Return what a record has as its name."""
    if isinstance(record, CopyRow):
        return record.key
    try:
        document = parsed(record)
    except Invalid:
        return None
    return document.get(key) if isinstance(document, dict) else None
