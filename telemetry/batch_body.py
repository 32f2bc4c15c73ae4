"""Reading a batch: a JSON array, ``{"<name>": [...]}``, or JSON Lines.

One bad record blocks no other.
"""

from dataclasses import dataclass, field
from operator import itemgetter
from time import sleep
from typing import Any

from telemetry.errors import Invalid, Problem, problem
from telemetry.json_body import JSON, NDJSON, parse_document, read_body
from telemetry.payload import MAX_IGNORED, PayloadSchema, load

# A large batch lets the other requests of the process have their turn after this many.
RECORDS_A_TURN = 200


@dataclass
class Batch:
    """The records of one request: the valid ones by index, the problems of the others.

    ``key`` is the field that names a record in its error entry.
    """

    key: str
    total: int = 0
    valid: dict[int, dict[str, Any]] = field(default_factory=dict)
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
            named = self.valid[index].get(self.key)
            self.fail(index, named, [problem(["body", index], message, "integrity")])
        self.errors.sort(key=itemgetter("index"))

    def body(self, inserted: int, duplicates: int, **more: Any) -> dict[str, Any]:
        """Return the answer's body."""
        if self.ignored_fields:
            more["ignored_fields"] = self.ignored_fields
        counted = {"inserted": inserted, "duplicates": duplicates}
        return {**counted, "errors": self.errors, "total": self.total, **more}


def read_batch(name: str, schema: PayloadSchema, *, most: int, key: str) -> Batch:
    """Read the request's batch and load each record with ``schema``.

    ``name`` is the member that holds the records in the object form, ``key`` the field that
    names a record in its error entry. Raises Invalid for a body that is no batch, or one of
    more than ``most`` records.
    """
    records = read_records(name, most)
    batch = Batch(key, total=len(records))
    ignored: set[str] = set()
    for index, record in enumerate(records):
        if index % RECORDS_A_TURN == 0:
            sleep(0)
        try:
            if isinstance(record, Invalid):
                raise record
            loaded = load(schema, record, ("body", index))
        except Invalid as invalid:
            named = record.get(key) if isinstance(record, dict) else None
            batch.fail(index, named, invalid.problems)
        else:
            batch.valid[index] = loaded.values
            ignored.update(loaded.ignored_fields)
    batch.ignored_fields = sorted(ignored)[:MAX_IGNORED]
    return batch


def read_records(name: str, most: int) -> list[Any]:
    """Return the request's records as parsed; an Invalid stands for a line that is no JSON.

    Raises Invalid for a body that is no batch, or one of more than ``most`` records.
    """
    content_type, text = read_body(JSON, NDJSON)
    if content_type == NDJSON:
        # Split at \n alone: str.splitlines would also split inside JSON strings.
        lines = [line for line in text.split("\n") if line.strip()]
        _refuse_more_than(most, lines)
        return [_parsed(line, index) for index, line in enumerate(lines)]
    records = _array(name, parse_document(text))
    _refuse_more_than(most, records)
    return records


def _refuse_more_than(most: int, records: list[Any]) -> None:
    if len(records) > most:
        raise Invalid([problem(["body"], f"A batch takes at most {most:,} records", "too_long")])


def _array(name: str, document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise Invalid([problem(["body"], f'Must be an array or {{"{name}": [...]}}', "list_type")])
    if name not in document:
        raise Invalid([problem(["body", name], "Field required", "missing")])
    if not isinstance(document[name], list):
        raise Invalid([problem(["body", name], "Must be an array", "list_type")])
    return list(document[name])


def _parsed(line: str, index: int) -> Any:
    try:
        return parse_document(line, ("body", index))
    except Invalid as invalid:
        return invalid
