"""Reading a batch: a JSON array, ``{"<name>": [...]}``, or JSON Lines.

One bad record blocks no other.
"""

from dataclasses import dataclass, field
from typing import Any

from telemetry.errors import Invalid, Problem, problem
from telemetry.json_body import JSON, NDJSON, parse_document, read_body
from telemetry.payload import MAX_IGNORED, PayloadSchema, load


@dataclass
class Batch:
    """The records of one request: the valid ones by index, the problems of the others."""

    total: int = 0
    valid: dict[int, dict[str, Any]] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    ignored_fields: list[str] = field(default_factory=list)


def read_batch(name: str, schema: PayloadSchema, *, most: int, key: str) -> Batch:
    """Read the request's batch and load each record with ``schema``.

    ``name`` is the member that holds the records in the object form, ``key`` the field that
    names a record in its error entry. Raises Invalid for a body that is no batch, or one of
    more than ``most`` records.
    """
    records = read_records(name, most=most)
    batch = Batch(total=len(records))
    ignored: set[str] = set()
    for index, record in enumerate(records):
        try:
            if isinstance(record, Invalid):
                raise record
            loaded = load(schema, record, ("body", index))
        except Invalid as invalid:
            named = record.get(key) if isinstance(record, dict) else None
            batch.errors.append(_error(index, key, named, invalid.problems))
        else:
            batch.valid[index] = loaded.values
            ignored.update(loaded.ignored_fields)
    batch.ignored_fields = sorted(ignored)[:MAX_IGNORED]
    return batch


def read_records(name: str, *, most: int) -> list[Any]:
    """Return the request's records as parsed; an Invalid stands for a line that is no JSON.

    Raises Invalid for a body that is no batch, or one of more than ``most`` records.
    """
    records = _records(name)
    if len(records) > most:
        raise Invalid([problem(["body"], f"A batch takes at most {most:,} records", "too_long")])
    return records


def _records(name: str) -> list[Any]:
    content_type, text = read_body(JSON, NDJSON)
    if content_type == NDJSON:
        # Split at \n alone: str.splitlines would also split inside JSON strings.
        lines = enumerate(line for line in text.split("\n") if line.strip())
        return [_parsed(line, index) for index, line in lines]
    document: Any = parse_document(text)
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


def _error(index: int, key: str, named: Any, problems: list[Problem]) -> dict[str, Any]:
    # The name as it was sent, when it is text that can be sent back.
    usable = isinstance(named, str) and len(named) <= 255 and named.isprintable()
    return {"index": index, key: named if usable else None, "detail": problems}
