"""Reading a batch: a JSON array, ``{"<name>": [...]}``, or JSON Lines.

One bad record blocks no other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from time import sleep
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import MsgspecError, Raw

from telemetry.copy_rows import CopyRow
from telemetry.errors import Invalid, Problem, problem
from telemetry.json_body import JSON, NDJSON, parse_document, read_body
from telemetry.payload import MAX_IGNORED, Loaded

# A large batch lets the other requests of the process have their turn after this many.
RECORDS_A_TURN = 200

Record = TypeVar("Record", dict[str, Any], CopyRow)

_parts = msgspec.json.Decoder(list[Raw] | dict[str, Raw])
_records = msgspec.json.Decoder(list[Raw])


@dataclass
class Batch(Generic[Record]):
    """The records of one request: the valid ones by index, the problems of the others.

    ``key`` is the field that names a record in its error entry.
    """

    key: str
    total: int = 0
    valid: dict[int, Record] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    ignored_fields: list[str] = field(default_factory=list)

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
        if self.ignored_fields:
            more["ignored_fields"] = self.ignored_fields
        counted = {"inserted": inserted, "duplicates": duplicates}
        return {**counted, "errors": self.errors, "total": self.total, **more}


def read_batch(
    name: str,
    load: Callable[[Any, tuple[str | int, ...]], Loaded[Record]],
    *,
    most: int,
    key: str,
) -> Batch[Record]:
    """Read the request's batch and ``load`` each record.

    ``name`` is the member that holds the records in the object form, ``key`` the field that
    names a record in its error entry. Raises Invalid for a body that is no batch, or one of
    more than ``most`` records.
    """
    records = read_records(name, most)
    batch: Batch[Record] = Batch(key, total=len(records))
    ignored: set[str] = set()
    for index, record in enumerate(records):
        if index % RECORDS_A_TURN == 0:
            sleep(0)
        try:
            values, ignored_fields = load(record, ("body", index))
        except Invalid as invalid:
            batch.fail(index, _named(record, key), invalid.problems)
        else:
            batch.valid[index] = values
            ignored.update(ignored_fields)
    batch.ignored_fields = sorted(ignored)[:MAX_IGNORED]
    return batch


def read_records(name: str, most: int) -> list[Any]:
    """Return the request's records, each for ``load``: Raw, or parsed where it had to be.

    Raises Invalid for a body that is no batch, or one of more than ``most`` records.
    """
    content_type, body = read_body(JSON, NDJSON)
    if content_type == NDJSON:
        # At \n alone: a \r is white space, which may stand within a record as well.
        records: list[Any] = [Raw(line) for line in body.split(b"\n") if line.strip()]
    else:
        records = _array(name, body)
    if len(records) > most:
        raise Invalid([problem(["body"], f"A batch takes at most {most:,} records", "too_long")])
    return records


def _array(name: str, body: bytes) -> list[Any]:
    """Return the records of an array, on its own or in an object."""
    try:
        parts = _parts.decode(body)
        if isinstance(parts, list):
            return parts
        for member in parts.keys() - {name}:
            bytes(parts[member]).decode()  # nobody else looks whether it is UTF-8
        return _records.decode(parts[name])
    except (MsgspecError, UnicodeDecodeError, KeyError, RecursionError):
        document = parse_document(body)
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise Invalid([problem(["body"], f'Must be an array or {{"{name}": [...]}}', "list_type")])
    if name not in document:
        raise Invalid([problem(["body", name], "Field required", "missing")])
    if not isinstance(document[name], list):
        raise Invalid([problem(["body", name], "Must be an array", "list_type")])
    return list(document[name])


def _named(record: Any, key: str) -> Any:
    """Return what a record has as its name."""
    if isinstance(record, CopyRow):
        return record.key
    try:
        document = parse_document(record) if isinstance(record, Raw) else record
    except Invalid:
        return None
    return document.get(key) if isinstance(document, dict) else None
