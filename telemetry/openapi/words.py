"""JSON Schemas in plain words, for people: ``string, 1–255 characters``."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.openapi.fields import MOMENT
from telemetry.openapi.operation import JsonSchema

# The patterns of the document, in words. A pattern that is not here is shown.
PATTERNS = {
    MOMENT: "date or timestamp, in UTC unless it has an offset",
    r"\S": "not blank",
    r"^[^\s/]+$": "without white space or /",
    "^[A-Za-z0-9._:-]+$": "of letters, digits and . _ : -",
    "^[0-9a-f]{64}$": "of 64 hex digits",
    "^[0-9]+$": "of digits",
    "^[A-Za-z0-9._:-]{1,128}$": "of letters, digits and . _ : -, 1–128 characters",
}

# A number above this is no limit that anyone meets.
FAR = 2**53

TYPES = {"boolean": "true or false", "null": "null"}


def words(schema: JsonSchema) -> str:
    """Return what a value may be. References must be resolved."""
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _either([words(each) for each in schema[several]])
    if "enum" in schema:
        return _either([_value(it) for it in schema["enum"]])
    kinds = schema.get("type", "any value")
    if isinstance(kinds, list):
        return _either([words({**schema, "type": kind}) for kind in kinds])
    return ", ".join(_parts(kinds, schema)).replace(", of ", " of ").replace(", with", " with")


def without_null(schema: JsonSchema) -> JsonSchema:
    """Return the schema of the values but null."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [it for it in schema["anyOf"] if it.get("type") != "null"]}
    if not isinstance(schema.get("type"), list):
        return schema
    values = {"enum": [it for it in schema["enum"] if it is not None]} if "enum" in schema else {}
    return {**schema, "type": [it for it in schema["type"] if it != "null"], **values}


def _parts(kind: str, schema: JsonSchema) -> Iterator[str]:
    """Yield the type, then each of its limits."""
    if kind == "string":
        yield from _of_text(schema)
    elif kind in ("integer", "number"):
        yield kind
        yield from _of_number(schema)
    elif kind == "array":
        yield f"array of {_plural(words(schema['items']))}"
        yield from _length(schema, "Items", "items")
    elif kind == "object" and isinstance(inner := schema.get("additionalProperties"), Mapping):
        yield f"object of {_plural(words({**inner}))}"
    else:
        yield TYPES.get(kind, kind)


def _of_text(schema: JsonSchema) -> Iterator[str]:
    if schema.get("format") == "date-time":
        yield "timestamp in UTC" if "pattern" in schema else "timestamp with an offset"
        return
    if schema.get("pattern") == MOMENT:
        yield PATTERNS[MOMENT]
        return
    yield "URL" if schema.get("format") == "uri" else "string"
    yield from _length(schema, "Length", "characters")
    if pattern := schema.get("pattern"):
        yield PATTERNS.get(pattern, str(pattern))


def _of_number(schema: JsonSchema) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield f"{least:,}–{most:,}" if most < FAR else f"{least:,} or more"
    elif least is not None:
        yield f"{least:,} or more"
    elif most is not None:
        yield f"{most:,} or less"
    if (above := schema.get("exclusiveMinimum")) is not None:
        yield f"more than {above:,}"


def _length(schema: JsonSchema, of: str, unit: str) -> Iterator[str]:
    least, most = schema.get(f"min{of}"), schema.get(f"max{of}")
    if least and most:
        yield f"{least:,}–{most:,} {unit}"
    elif most:
        yield f"at most {most:,} {unit}"
    elif least:
        yield f"at least {least:,} {unit if least > 1 else unit.removesuffix('s')}"


def _value(value: Any) -> str:
    """Return a value as JSON writes it, a text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _either(choices: list[str]) -> str:
    """Return ``a, b or c``."""
    *first, last = dict.fromkeys(choices)
    if not first:
        return last
    # A comma that separates a type from its limits would not separate it from the next type.
    separator = ", or " if "," in "".join(choices) else " or "
    return f"{', '.join(first)}{separator}{last}"


def _plural(text: str) -> str:
    return re.sub(r"\b(string|integer|number|object)\b", r"\1s", text)
