"""The fast way for payloads that are plainly valid: a decoder compiled from their schema.

msgspec reads and checks a payload in the time in which marshmallow looks at a few of its
fields. A decoder accepts only what the schema accepts and gives equal values; in any doubt
it gives up, and the schema decides and finds the words. What msgspec can't check of a field,
the field itself does.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from marshmallow import Schema, ValidationError, missing
from marshmallow.fields import Field
from msgspec import NODEFAULT, UNSET, Meta, MsgspecError, Raw, Struct, to_builtins

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

# What msgspec checks of a JSON object: one that is nested deeper is the schema's.
_LEVELS = 5

_Integer = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]
_Scalar = str | bool | _Integer | Annotated[float, Meta(gt=-LARGE_DOUBLE, lt=LARGE_DOUBLE)] | None

# Returns the values of the fields that were sent.
values_of: Callable[[Struct], dict[str, Any]] = partial(to_builtins, builtin_types=(datetime,))

_ALWAYS_PLAIN = (str, bool, type(None))
_CONTAINERS = (dict, list)

# PostgreSQL's text has no NUL character; in JSON it is written in this way alone. Looked for with
# find, which takes half the time of ``in``: that tries first whether it was given a number.
_NUL = b"\\u0000"


class Undecided(Exception):
    """The decoder can't tell whether the payload is valid."""


class Rule(NamedTuple):
    """What msgspec checks of a field, and what is left: ``finish`` returns the value or raises."""

    wire_type: Any
    finish: Callable[[Any], Any] | None = None


def compile_decoder(schema: Schema, *, takes_null: bool) -> Decode:
    """Return the function that returns the payload in a text, or None in any doubt.

    With ``takes_null`` an optional field that is null counts as left out. The schema may have
    no hooks. Raises TypeError for a field that is called otherwise in the payload, or that has
    a default: there is no rule for it.
    """
    rules = {name: _rule(field) for name, field in schema.fields.items()}
    null = None if takes_null else UNSET
    absent = {name: NODEFAULT if it.required else null for name, it in schema.fields.items()}
    decode_struct = msgspec.json.Decoder(_struct(type(schema).__name__, rules, absent)).decode
    finishers = [(name, it.finish, absent[name]) for name, it in rules.items() if it.finish]

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
    """Return a type that refuses unknown fields: their names are for the schema to tell.

    A field that was left out has the value that ``absent`` gives it, and is omitted from what
    is made of the payload.
    """
    fields: list[Any] = []
    for field, (wire_type, _) in rules.items():
        default = absent[field]
        optional = wire_type if default is NODEFAULT else wire_type | type(default)
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
    # The very type: a subclass may want more than its parent.
    rule = None if custom else RULES.get(type(field))
    return rule(field) if rule else Rule(Any, partial(_deserialized, field))


def _deserialized(field: Field[Any], value: Any) -> Any:
    return field.deserialize(_plain(value))


def _plain(value: Any, depth: int = 2) -> Any:
    """Return a value of any type if it can be stored as it is; ``depth`` is its level."""
    kind = type(value)
    if kind in _CONTAINERS:
        if depth > MAX_DEPTH:
            raise Undecided
        for part in value.values() if kind is dict else value:
            if type(part) not in _ALWAYS_PLAIN:
                _plain(part, depth + 1)
    elif kind is int:
        if not is_int64(value):
            raise Undecided
    elif kind is float and abs(value) >= LARGE_DOUBLE:
        raise Undecided
    return value


def _text(field: Text) -> Rule:
    return Rule(_sized(field), None if field.blank else _passing(str.strip))


def _fitting_text(field: Identifier | Name) -> Rule:
    return Rule(_sized(field), _passing(field.fits))


def _passing(test: Callable[[str], object]) -> Callable[[str], str]:
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
    # A text: msgspec's own timestamps are rounded where ours are cut.
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
    Identifier: _fitting_text,
    Name: _fitting_text,
    Choice: _choice,
    Integer: _integer,
    Number: _number,
    Flag: _flag,
    NumericFlag: _numeric_flag,
    Timestamp: _timestamp,
    JsonObject: _json_object,
    ScalarObject: _scalar_object,
}
