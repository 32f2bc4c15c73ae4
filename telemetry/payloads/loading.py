"""Loading a payload: a marshmallow schema is its one definition, this is how it is applied."""

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError
from msgspec import Raw
from msgspec.structs import astuple

from telemetry.database.copy import CopyRow
from telemetry.database.values import Keyed, as_json
from telemetry.http.errors import Invalid, Problem, problem
from telemetry.payloads.copy_format import CopyFormat
from telemetry.payloads.decoder import compile_decoder, values_of
from telemetry.payloads.fields import LongInteger, Message
from telemetry.payloads.parsing import parsed
from telemetry.payloads.storable import Defect, defects, printable, problems

# Names of fields that an answer repeats at the most: a body may invent a million.
MAX_IGNORED = 1000
MAX_PROBLEMS = 1000

# JSON has no other way to write a control character.
_BACKSLASH = ord("\\")

Payload = TypeVar("Payload")


class PayloadSchema(Schema):
    """The base of every schema: unknown fields are left out, null optional ones are absent."""

    takes_null = True

    class Meta:
        unknown = EXCLUDE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decode = compile_decoder(self, takes_null=self.takes_null)


class StrictSchema(PayloadSchema):
    """A schema that fails closed: an unknown field or a null is a problem."""

    takes_null = False

    class Meta:
        unknown = RAISE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages = {
            **self.error_messages,
            "unknown": Message("Unknown field", "unknown"),
        }


class Loaded(NamedTuple, Generic[Payload]):
    """A valid payload: the fields that were sent, and the names of those that nobody knows."""

    values: Payload
    ignored: list[str]


def load(
    schema: PayloadSchema, document: Any, loc: tuple[str | int, ...] = ("body",)
) -> Loaded[dict[str, Any]]:
    """Return the valid payload in ``document``, which is parsed, or Raw where it is not yet.

    A Raw one is decoded at once when it is plainly valid; the values are the same in both ways.
    Raises Invalid with every bad field at once, each located below ``loc``.
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
    """Like load, for a record that only the database reads: its values as JSON.

    ``key`` is the field that makes it unique; ``names`` are the fields, all of them required,
    that the caller reads as well.
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
    """Like load, for a record of a batch that only the database reads: as a row of ``rows``."""
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
    document = parsed(document, loc)
    if not isinstance(document, dict):
        raise Invalid([problem([*loc], "Must be a JSON object", "object_type")])
    found = {
        name: defect
        for name, defect in defects(document).items()
        if not _is_long_integer(schema, name, document[name])
    }
    sent = {
        name: value
        for name, value in document.items()
        if name not in found and not _is_absent(schema, name, value)
    }
    wrong = problems(found, loc)
    try:
        values = schema.load(sent, partial=tuple(found))
    except ValidationError as error:
        wrong += _problems(error, loc)
    if (more := len(wrong) - MAX_PROBLEMS) > 0:
        wrong[MAX_PROBLEMS:] = [problem([*loc], f"And {more:,} more problems", "too_many")]
    if wrong:
        raise Invalid(wrong)
    return Loaded(values, [printable(name) for name in document.keys() - schema.fields.keys()])


def ignored_fields(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the member of an answer that tells the names that nobody knows, if there are any.

    It says of too many how many more there are.
    """
    listed = sorted(names)
    if (more := len(listed) - MAX_IGNORED) > 0:
        listed[MAX_IGNORED:] = [f"... and {more:,} more"]
    return {"ignored_fields": listed} if listed else {}


def _is_absent(schema: PayloadSchema, name: str, value: Any) -> bool:
    if not schema.takes_null:
        return False
    return value is None and name in schema.fields and not schema.fields[name].required


def _is_long_integer(schema: PayloadSchema, name: str, value: Any) -> bool:
    if not (isinstance(value, Defect) and value.digits):
        return False
    return isinstance(schema.fields.get(name), LongInteger)


def _problems(error: ValidationError, loc: tuple[str | int, ...]) -> list[Problem]:
    """Turn marshmallow's messages, ``{field: [message, …]}``, into the contract's shape."""
    return [
        # str(): the wire takes no subclass of it
        problem([*loc, name], str(message), getattr(message, "kind", "value_error"))
        for name, messages in error.messages_dict.items()
        for message in messages
    ]
