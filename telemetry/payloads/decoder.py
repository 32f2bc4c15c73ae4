"""The fast path for valid payloads: a decoder compiled from their schema.

msgspec reads and checks a whole payload in the time that marshmallow needs for a few fields.
A decoder accepts only what the schema accepts, and returns equal values. When it is not sure it
returns None; then the schema decides and words the problems. The field itself checks what
msgspec cannot.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from marshmallow import Schema, ValidationError, missing
from marshmallow.fields import Field
from msgspec import NODEFAULT, Meta, MsgspecError, Raw, Struct, to_builtins

from telemetry.numbers import INT64_MAX, INT64_MIN, LARGE_DOUBLE, is_int64
from telemetry.payloads.fields import (
    Choice,
    Flag,
    Identifier,
    Integer,
    JsonObject,
    Name,
    Number,
    NumericFlag,
    ScalarObject,
    Text,
    Timestamp,
)
from telemetry.payloads.storable import MAX_DEPTH
from telemetry.timestamps import parse_utc

Decode = Callable[[Raw | bytes], Struct | None]

# msgspec checks this many levels of a JSON object. A more deeply nested one is for the schema.
_LEVELS = 5

_Integer = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]
_Scalar = str | bool | _Integer | Annotated[float, Meta(gt=-LARGE_DOUBLE, lt=LARGE_DOUBLE)] | None

# Returns the values of the fields that were sent.
values_of: Callable[[Struct], dict[str, Any]] = partial(to_builtins, builtin_types=(datetime,))

_ALWAYS_STORABLE = (str, bool, type(None))
_CONTAINERS = (dict, list)

# PostgreSQL's text has no NUL character. JSON has only this spelling of it. bytes.find takes half
# the time of ``in``, which first tries to read its operand as a number.
_NUL = b"\\u0000"


class Undecided(Exception):
    """The decoder cannot decide whether the payload is valid."""


class Rule(NamedTuple):
    """How a field is decoded: the type for msgspec, then ``finish``.

    ``finish`` turns msgspec's value into the schema's, or raises. It is None when msgspec's check
    is complete.
    """

    wire_type: Any
    finish: Callable[[Any], Any] | None = None


def compile_decoder(schema: Schema, *, null_only: Iterable[str] = ()) -> Decode:
    """Return a function that decodes a JSON text, or returns None when it is not sure.

    A null optional field counts as absent, and so does each name in ``null_only``, which must be
    null. The schema must not have hooks. Raises TypeError for a field that has another name in
    the payload, or a default: there is no rule for it.
    """
    rules = {name: _rule(field) for name, field in schema.fields.items()}
    absent = {name: NODEFAULT if it.required else None for name, it in schema.fields.items()}
    finishers = [(name, it.finish, absent[name]) for name, it in rules.items() if it.finish]
    rules |= dict.fromkeys(null_only, Rule(type(None)))
    decode_struct = msgspec.json.Decoder(_struct(type(schema).__name__, rules, absent)).decode

    def decode(raw: Raw | bytes) -> Struct | None:
        text = bytes(raw)
        if text.find(_NUL) >= 0:
            return None
        try:
            payload: Struct = decode_struct(text)
            for name, finish, default in finishers:
                value = getattr(payload, name)
                if value is not default:
                    setattr(payload, name, finish(value))
        except (MsgspecError, ValueError, RecursionError, ValidationError, Undecided):
            return None
        return payload

    return decode


def _struct(name: str, rules: dict[str, Rule], absent: dict[str, Any]) -> type[Struct]:
    """Return the msgspec type of a payload. It refuses unknown fields: the schema reports them.

    An optional field that was not sent is None, and is omitted when the payload is encoded.
    """
    fields: list[Any] = []
    for field, (wire_type, _) in rules.items():
        default = absent.get(field)
        optional = wire_type if default is NODEFAULT else wire_type | None
        fields.append((field, optional, default))
    return msgspec.defstruct(
        name,
        fields,
        kw_only=True,  # keeps the schema's order
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
    )


def _rule(field: Field[Any]) -> Rule:
    if field.data_key or field.attribute or field.dump_only or field.load_default is not missing:
        raise TypeError(f"no rule for a field such as {field.name}")
    custom = field.validators or field.pre_load or field.post_load
    # The exact type: a subclass may check more than its parent.
    rule = None if custom else RULES.get(type(field))
    return rule(field) if rule else Rule(Any, partial(_load_with, field))


def _load_with(field: Field[Any], value: Any) -> Any:
    return field.deserialize(_storable(value))


def _storable(value: Any, depth: int = 2) -> Any:
    """Return the value unchanged. Raises Undecided when it may not be storable."""
    kind = type(value)
    if kind in _CONTAINERS:
        if depth > MAX_DEPTH:
            raise Undecided
        for part in value.values() if kind is dict else value:
            if type(part) not in _ALWAYS_STORABLE:
                _storable(part, depth + 1)
    elif kind is int:
        if not is_int64(value):
            raise Undecided
    elif kind is float and abs(value) >= LARGE_DOUBLE:
        raise Undecided
    return value


def _text(field: Text) -> Rule:
    return Rule(_sized(field), None if field.blank else _check(str.strip))


def _restricted_text(field: Identifier | Name) -> Rule:
    return Rule(_sized(field), _check(field.fits))


def _check(test: Callable[[str], object]) -> Callable[[str], str]:
    """Return a ``finish`` that passes on a text that fits, and else raises Undecided."""

    def finish(text: str) -> str:
        if not test(text):
            raise Undecided
        return text

    return finish


def _sized(field: Text) -> Any:
    return Annotated[str, Meta(min_length=field.min, max_length=field.max)]


def _choice(field: Choice) -> Rule:
    return Rule(Literal[tuple(field.meanings)], field.meanings.__getitem__)


def _integer(field: Integer) -> Rule:
    return Rule(Annotated[int, Meta(ge=field.min, le=field.max)])


def _number(field: Number) -> Rule:
    return Rule(_Integer | float, field._deserialize)


def _flag(_: Flag) -> Rule:
    return Rule(bool)


def _numeric_flag(_: NumericFlag) -> Rule:
    return Rule(bool | Annotated[int, Meta(ge=0, le=1)], bool)


def _timestamp(_: Timestamp) -> Rule:
    # As text: msgspec rounds timestamps to microseconds, parse_utc cuts them.
    return Rule(str, parse_utc)


def _json_object(_: JsonObject) -> Rule:
    nested: Any = _Scalar
    for _level in range(_LEVELS):
        nested = _Scalar | list[nested] | dict[str, nested]
    return Rule(dict[str, nested])


def _scalar_object(_: ScalarObject) -> Rule:
    return Rule(dict[str, _Scalar])


RULES: dict[type, Callable[[Any], Rule]] = {
    Text: _text,
    Identifier: _restricted_text,
    Name: _restricted_text,
    Choice: _choice,
    Integer: _integer,
    Number: _number,
    Flag: _flag,
    NumericFlag: _numeric_flag,
    Timestamp: _timestamp,
    JsonObject: _json_object,
    ScalarObject: _scalar_object,
}
