"""The JSON Schema of each field type: the same rules that the fields check."""

from collections.abc import Callable
from typing import Any

from marshmallow.fields import Field

from telemetry.numbers import INT64_MAX, INT64_MIN
from telemetry.openapi.operation import JsonSchema
from telemetry.payloads.fields import (
    Choice,
    Flag,
    Identifier,
    Integer,
    JsonObject,
    LongInteger,
    Name,
    Number,
    NumericFlag,
    ScalarObject,
    Text,
    Timestamp,
)
from telemetry.payloads.query_string import Moment, Switch, WholeNumber

# What people type as a time; a plus may arrive as a space.
MOMENT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+ -][0-9]{2}(:?[0-9]{2})?)?)?$"
)

SCALARS = ["string", "number", "boolean", "null"]


def json_schema(field: Field[Any]) -> JsonSchema:
    """Return the JSON Schema of the values that a field accepts, null apart.

    Raises LookupError for a field type without a rule.
    """
    return next(rule(field) for kind, rule in RULES.items() if isinstance(field, kind))


def nullable(schema: JsonSchema) -> JsonSchema:
    """Return the schema that accepts null as well."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*kinds, "null"], **values}


def _text(field: Text) -> JsonSchema:
    sizes = {"minLength": field.min or None, "maxLength": field.max}
    pattern = {} if field.blank else {"pattern": r"\S"}
    return {"type": "string", **{it: size for it, size in sizes.items() if size}, **pattern}


def _identifier(field: Identifier) -> JsonSchema:
    return {**_text(field), "pattern": r"^[^\s/]+$", "not": {"enum": [".", ".."]}}


def _name(field: Name) -> JsonSchema:
    return {**_text(field), "pattern": r"^[A-Za-z0-9._:-]+$", "not": {"enum": [".", ".."]}}


def _choice(field: Choice) -> JsonSchema:
    return {"type": "string", "enum": [*field.meanings]}


def _integer(field: Integer) -> JsonSchema:
    least = {"minimum": field.min} if field.min != INT64_MIN else {}
    most = {"maximum": field.max} if field.max != INT64_MAX else {}
    return {"type": "integer", "format": "int64", **least, **most}


def _number(field: Number) -> JsonSchema:
    least = {"minimum": field.min} if field.min is not None else {}
    above = {"exclusiveMinimum": field.above} if field.above is not None else {}
    return {"type": "number", "format": "double", **least, **above}


def _stream_id(_: LongInteger) -> JsonSchema:
    text = {"type": "string", "minLength": 1, "maxLength": 64}
    return {"anyOf": [text, {"type": "integer", "minimum": 0, "maximum": 2**128 - 1}]}


# The first class that fits decides, so a subclass stands before its parent.
RULES: dict[type[Field[Any]], Callable[[Any], JsonSchema]] = {
    LongInteger: _stream_id,
    Identifier: _identifier,
    Name: _name,
    Text: _text,
    Choice: _choice,
    WholeNumber: _integer,
    Integer: _integer,
    Number: _number,
    NumericFlag: lambda _: {"type": ["boolean", "integer"], "enum": [True, False, 1, 0]},
    Flag: lambda _: {"type": "boolean"},
    Timestamp: lambda _: {"type": "string", "format": "date-time"},
    ScalarObject: lambda _: {"type": "object", "additionalProperties": {"type": SCALARS}},
    JsonObject: lambda _: {"type": "object"},
    Moment: lambda _: {"type": "string", "pattern": MOMENT},
    Switch: lambda _: {"type": "boolean"},
}
