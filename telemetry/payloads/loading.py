"""Loading a payload by its schema, which is its one definition.

The decoder compiled from the schema loads a valid payload fast; marshmallow loads any other.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError
from msgspec import Raw
from msgspec.structs import astuple

from telemetry.database.copy import CopyRow
from telemetry.database.values import Keyed, as_json
from telemetry.http.error_shape import Problem, problem
from telemetry.http.errors import Invalid
from telemetry.payloads.copy_format import CopyFormat
from telemetry.payloads.decoder import compile_decoder, values_of
from telemetry.payloads.fields import LongInteger, Message
from telemetry.payloads.parsing import parse_if_raw
from telemetry.payloads.storable import (
    Defect,
    defect_problems,
    escape_surrogates,
    find_defects,
)

# A response lists at most this many ignored fields and problems: a body may have a million.
MAX_IGNORED = 1000
MAX_PROBLEMS = 1000

# A batch keeps about this many names of ignored fields. More are not counted.
MAX_COUNTED_IGNORED = 10_000

# JSON can write a control character only as an escape.
_BACKSLASH = ord("\\")

Payload = TypeVar("Payload")


class PayloadSchema(Schema):
    """The base of every schema: unknown fields are ignored, a null optional field is absent."""

    # Names that are no field of this schema, but known all the same: null counts as absent.
    null_only: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        unknown = EXCLUDE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decode = compile_decoder(self, null_only=self.null_only - self.fields.keys())
        optional = {name for name, field in self.fields.items() if not field.required}
        self.absent_when_null = self.null_only | optional


class StrictSchema(PayloadSchema):
    """A schema that fails closed: an unknown field is a problem, and a null field is missing."""

    class Meta:
        unknown = RAISE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.absent_when_null = self.null_only | self.fields.keys()
        self.error_messages = {
            **self.error_messages,
            "unknown": Message("Unknown field", "unknown"),
        }


class Loaded(NamedTuple, Generic[Payload]):
    """A valid payload: the fields that were sent, and the names of unknown ones."""

    values: Payload
    ignored: list[str]


def load(
    schema: PayloadSchema, document: Any, loc: tuple[str | int, ...] = ("body",)
) -> Loaded[dict[str, Any]]:
    """Return the valid payload in ``document``, which is parsed, or Raw if it is not.

    A valid Raw document is decoded directly, to the same values that marshmallow returns. Raises
    Invalid with every bad field at once, each located below ``loc``.
    """
    decoded = schema.decode(document) if isinstance(document, Raw) else None
    if decoded is not None:
        return Loaded(values_of(decoded), [])
    return _load_by_schema(schema, document, loc)


def load_keyed(
    schema: PayloadSchema,
    document: Any,
    loc: tuple[str | int, ...] = ("body",),
    *,
    key: str,
    names: tuple[str, ...] = (),
) -> Loaded[Keyed]:
    """Like load, for a record that only the database reads: returns its values as JSON.

    ``key`` is the field that makes it unique. ``names`` are required fields whose values the
    caller needs too.
    """
    decoded = schema.decode(document) if isinstance(document, Raw) else None
    if decoded is not None:
        read = {name: getattr(decoded, name) for name in names}
        return Loaded(Keyed(getattr(decoded, key), as_json(decoded), read), [])
    values, ignored = _load_by_schema(schema, document, loc)
    read = {name: values[name] for name in names}
    return Loaded(Keyed(values[key], as_json(values), read), ignored)


def load_row(
    schema: PayloadSchema,
    document: Any,
    loc: tuple[str | int, ...] = ("body",),
    *,
    rows: CopyFormat,
) -> Loaded[CopyRow]:
    """Like load, for a record of a batch that only the database reads: returns a row of COPY."""
    if isinstance(document, Raw):
        text = bytes(document)
        decoded = schema.decode(text)
        if decoded is not None:
            return Loaded(rows.row([*astuple(decoded)], may_escape=_BACKSLASH in text), [])
    values, ignored = _load_by_schema(schema, document, loc)
    return Loaded(rows.row([values.get(name) for name in rows.columns]), ignored)


def _load_by_schema(
    schema: PayloadSchema, document: Any, loc: tuple[str | int, ...]
) -> Loaded[dict[str, Any]]:
    """Return what marshmallow loads. Raises Invalid with every problem, defects included."""
    document = parse_if_raw(document, loc)
    if not isinstance(document, dict):
        raise Invalid([problem([*loc], "Must be a JSON object", "object_type")])
    found = {
        name: defect
        for name, defect in find_defects(document).items()
        if not _is_long_integer(schema, name, document[name])
    }
    present = [
        name
        for name in document
        if name not in found and not (document[name] is None and name in schema.absent_when_null)
    ]
    known = [name for name in present if name in schema.fields]
    unknown = [name for name in present if name not in schema.fields]
    refused = unknown if schema.unknown == RAISE else []
    # Marshmallow takes long for each of them.
    listed = refused[:MAX_PROBLEMS]
    wrong = defect_problems(found, loc)
    try:
        values = schema.load({it: document[it] for it in [*known, *listed]}, partial=tuple(found))
    except ValidationError as error:
        wrong += _problems(error, loc)
    if (more := len(wrong) + len(refused) - len(listed) - MAX_PROBLEMS) > 0:
        wrong[MAX_PROBLEMS:] = [problem([*loc], f"And {more:,} more problems", "too_many")]
    if wrong:
        raise Invalid(wrong)
    return Loaded(values, [escape_surrogates(name) for name in unknown])


def ignored_fields(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the member of a response that lists ignored fields; empty without any.

    A list that is too long ends with how many more there are, as far as they were counted.
    """
    listed = sorted(names)
    if (more := len(listed) - MAX_IGNORED) > 0:
        least = "at least " if len(listed) >= MAX_COUNTED_IGNORED else ""
        listed[MAX_IGNORED:] = [f"... and {least}{more:,} more"]
    return {"ignored_fields": listed} if listed else {}


def _is_long_integer(schema: PayloadSchema, name: str, value: Any) -> bool:
    if not (isinstance(value, Defect) and value.digits):
        return False
    return isinstance(schema.fields.get(name), LongInteger)


def _problems(error: ValidationError, loc: tuple[str | int, ...]) -> list[Problem]:
    """Return marshmallow's messages, ``{field: [message, …]}``, as problems."""
    return [
        # str(): the JSON encoder refuses subclasses
        problem([*loc, name], str(message), getattr(message, "kind", "value_error"))
        for name, messages in error.messages_dict.items()
        for message in messages
    ]
