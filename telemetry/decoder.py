"""The fast way for payloads that are plainly valid: a decoder compiled from their schema.

msgspec reads and checks a payload in the time in which marshmallow looks at a few of its
fields. A decoder accepts only what the schema accepts and gives equal values; in any doubt
it gives up, and the schema decides and finds the words. What msgspec can't check of a field,
the field itself does.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from marshmallow import Schema, ValidationError, missing
from marshmallow.fields import Field
from msgspec import UNSET, Meta, MsgspecError, Raw, Struct, UnsetType, to_builtins

from telemetry.fields import (
    INT64_MAX,
    INT64_MIN,
    Choice,
    Flag,
    Identifier,
    Integer,
    JsonObject,
    Name,
    Number,
    Text,
    Timestamp,
)
from telemetry.json_body import MAX_DEPTH
from telemetry.timestamps import parse_utc

Decode = Callable[[Raw], dict[str, Any] | None]

# Larger doubles need care, because jsonb would take them for integers.
_EXACT = 1e15

_ALWAYS_PLAIN = (str, bool, type(None))
_CONTAINERS = (dict, list)

# PostgreSQL's text has no NUL character; in JSON it is written in this way alone.
_NUL = b"\\u0000"


class Doubt(Exception):
    """The decoder can't tell whether the payload is valid."""


class Rule(NamedTuple):
    """What msgspec checks of a field, and what is left: ``finish`` returns the value or raises."""

    wire_type: Any
    finish: Callable[[Any], Any] | None = None


def compile_decoder(schema: Schema, *, takes_null: bool) -> Decode:
    """Return the function that returns the values in a payload's text, or None in any doubt.

    With ``takes_null`` an optional field that is null counts as left out. The schema may have
    no hooks. Raises TypeError for a field that is called otherwise in the payload, or that has
    a default: there is no rule for it.
    """
    rules = {name: _rule(field) for name, field in schema.fields.items()}
    decode_struct = msgspec.json.Decoder(_struct(schema, rules, takes_null=takes_null)).decode
    finishers = [(name, rule.finish) for name, rule in rules.items() if rule.finish]

    def decode(raw: Raw) -> dict[str, Any] | None:
        text = bytes(raw)
        if _NUL in text:
            return None
        try:
            values: dict[str, Any] = to_builtins(decode_struct(text))
            for name, finish in finishers:
                if name in values:
                    values[name] = finish(values[name])
        except (MsgspecError, ValueError, RecursionError, ValidationError, Doubt):
            return None
        return values

    return decode


def _struct(schema: Schema, rules: dict[str, Rule], *, takes_null: bool) -> type[Struct]:
    """Return a type that refuses unknown fields: their names are for the schema to tell.

    A field that was left out, or is null and may be, has its default, and to_builtins omits it.
    """
    fields: list[Any] = []
    for name, (wire_type, _) in rules.items():
        if schema.fields[name].required:
            fields.append((name, wire_type))
        elif takes_null:
            fields.append((name, wire_type | None, None))
        else:
            fields.append((name, wire_type | UnsetType, UNSET))
    return msgspec.defstruct(
        type(schema).__name__,
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
            raise Doubt
        for part in value.values() if kind is dict else value:
            if type(part) not in _ALWAYS_PLAIN:
                _plain(part, depth + 1)
    elif kind is int:
        if not INT64_MIN <= value <= INT64_MAX:
            raise Doubt
    elif kind is float and abs(value) > _EXACT:
        raise Doubt
    return value


def _text(field: Text) -> Rule:
    wire_type = Annotated[str, Meta(min_length=field.least, max_length=field.most)]
    return Rule(wire_type, None if field.blank else _not_blank)


def _checked_text(field: Text) -> Rule:
    return Rule(str, field._deserialize)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise Doubt
    return text


def _choice(field: Choice) -> Rule:
    return Rule(Literal[tuple(field.meanings)], field.meanings.__getitem__)


def _integer(field: Integer) -> Rule:
    return Rule(Annotated[int, Meta(ge=field.least, le=field.most)])


def _number(field: Number) -> Rule:
    return Rule(Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)] | float, field._deserialize)


def _flag(_: Flag) -> Rule:
    return Rule(bool)


def _timestamp(_: Timestamp) -> Rule:
    # A text: msgspec's own timestamps are rounded where ours are cut.
    return Rule(str, parse_utc)


def _json_object(_: JsonObject) -> Rule:
    return Rule(dict[str, Any], _plain)


RULES: dict[type, Callable[[Any], Rule]] = {
    Text: _text,
    Identifier: _checked_text,
    Name: _checked_text,
    Choice: _choice,
    Integer: _integer,
    Number: _number,
    Flag: _flag,
    Timestamp: _timestamp,
    JsonObject: _json_object,
}
