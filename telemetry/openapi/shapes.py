"""The JSON Schemas of responses."""

from collections.abc import Container
from typing import Any

from marshmallow import Schema
from marshmallow.fields import Field

from telemetry.openapi.fields import json_schema, nullable
from telemetry.openapi.operation import JsonSchema
from telemetry.payloads.fields import Flag, LongInteger, Timestamp

TEXT: JsonSchema = {"type": "string"}
INTEGER: JsonSchema = {"type": "integer"}
COUNT: JsonSchema = {"type": "integer", "minimum": 0}
NUMBER: JsonSchema = {"type": "number"}
FLAG: JsonSchema = {"type": "boolean"}
TIMESTAMP: JsonSchema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
}
LINK: JsonSchema = {"type": ["string", "null"], "format": "uri"}
ROW_HASH: JsonSchema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
IGNORED: JsonSchema = {
    "type": "array",
    "items": TEXT,
    "description": "The fields that the service does not know. They are not stored.",
}


def one_of(*values: str) -> JsonSchema:
    """Return the schema of a text that is one of the values."""
    return {"type": "string", "enum": [*values]}


def array(items: Any) -> JsonSchema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


def members(sometimes: Container[str] = (), **properties: Any) -> JsonSchema:
    """Return the schema of an object. Of the properties, those in ``sometimes`` may be missing."""
    required = [name for name in properties if name not in sometimes]
    return {"type": "object", "properties": properties, "required": required}


def counts_by_name(name: str) -> JsonSchema:
    """Return the schema of an object that has a count for each ``name``."""
    return {"type": "object", "additionalProperties": COUNT, "description": f"By {name}"}


def page_of(items: Any) -> JsonSchema:
    """Return the schema of a page of a list."""
    return members(items=array(items), has_more=FLAG)


def feed_of(items: Any) -> JsonSchema:
    """Return the schema of a page of a feed."""
    return members(items=array(items), next=TEXT, has_more=FLAG)


def stored(schema: type[Schema], always: Container[str], **more: JsonSchema) -> JsonSchema:
    """Return the schema of a stored record: the fields that a client sends, and ``more``.

    A field is null when it was not sent, unless it ``always`` has a value. What is in ``more``
    replaces a field that is stored in another form than it is sent.
    """
    properties = {
        name: stored_field(field) if name in always else nullable(stored_field(field))
        for name, field in schema().fields.items()
    }
    return members(**{**properties, **more})


def stored_field(field: Field[Any]) -> JsonSchema:
    """Return the schema of a field in the form in which it is stored."""
    if isinstance(field, Timestamp):
        return TIMESTAMP
    if isinstance(field, Flag):
        return FLAG
    if isinstance(field, LongInteger):  # Stored in decimal digits.
        return TEXT
    return json_schema(field)


def batch_of(name: str, record: Any, most: int) -> JsonSchema:
    """Return the schema of the body of a batch: an array, or an object that has it as ``name``."""
    records = {**array(record), "maxItems": most}
    return {"anyOf": [records, members(**{name: records})]}


def batch(key: str, **more: JsonSchema) -> JsonSchema:
    """Return the schema of the response to a batch, whose errors name ``key``.

    ``more`` are members that are not always present.
    """
    error = members(
        index=COUNT,
        **{key: {"type": ["string", "null"]}},
        detail={"anyOf": [TEXT, array({"$ref": "#/components/schemas/Problem"})]},
    )
    return members(
        sometimes={*more},
        inserted=COUNT,
        duplicates=COUNT,
        errors=array(error),
        total=COUNT,
        **more,
    )
