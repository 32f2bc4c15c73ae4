"""Schemas in plain words."""

import json

import pytest

from telemetry.openapi.views import DOCUMENT
from telemetry.openapi.words import PATTERNS, without_null, words


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "minLength": 1, "maxLength": 255}, "string, 1–255 characters"),
        ({"type": "string", "maxLength": 4096}, "string, at most 4,096 characters"),
        ({"type": "string", "minLength": 1}, "string, at least 1 character"),
        ({"type": "string", "pattern": r"\S"}, "string, not blank"),
        ({"type": "string", "pattern": "^x$"}, "string, ^x$"),
        ({"type": "string", "format": "date-time"}, "timestamp with an offset"),
        ({"type": "integer", "minimum": 1, "maximum": 1000}, "integer, 1–1,000"),
        ({"type": "integer", "minimum": 0, "maximum": 2**62}, "integer, 0 or more"),
        ({"type": ["integer", "null"], "minimum": 0}, "integer, 0 or more, or null"),
        ({"type": "number", "exclusiveMinimum": 0}, "number, more than 0"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "string", "enum": ["a", "b", "c"]}, "a, b or c"),
        ({"type": ["boolean", "integer"], "enum": [True, False, 1, 0]}, "true, false, 1 or 0"),
        ({"type": "array", "items": {"type": "string"}}, "array of strings"),
        (
            {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            "object of integers, 0 or more",
        ),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "string or integer"),
    ],
)
def test_a_schema_in_words(schema, said):
    assert words(schema) == said


def test_null_can_be_left_out():
    assert words(without_null({"type": ["string", "null"], "enum": ["a", None]})) == "a"
    assert words(without_null({"anyOf": [{"type": "string"}, {"type": "null"}]})) == "string"


def test_every_pattern_of_the_document_has_words():
    found = set()

    def collect(part):
        if isinstance(part, dict):
            if "pattern" in part and part.get("format") != "date-time":
                found.add(part["pattern"])
            part = [*part.values()]
        for inner in part if isinstance(part, list) else ():
            collect(inner)

    collect(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    assert found <= PATTERNS.keys()
