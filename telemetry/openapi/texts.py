"""Texts of the document as people read them: paragraphs, examples, paths with values."""

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

from telemetry.openapi.operation import JsonSchema

# What is shorter stands in one line: a phone shows about this much.
MAX_LINE = 44


def target(path: str, parameters: list[JsonSchema]) -> str:
    """Return the path with the examples of its parameters, and the query string it needs."""
    examples = {it["name"]: it["example"] for it in parameters if it["in"] == "path"}
    filled = re.sub(r"{(\w+)}", lambda it: quote(str(examples[it[1]])), path)
    needed = {
        it["name"]: it["example"] for it in parameters if it["in"] == "query" and it["required"]
    }
    return f"{filled}?{urlencode(needed)}" if needed else filled


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs and points of a description, each on one line."""
    return [" ".join(it.split()) for it in re.split(r"\n+- |\n\n", text) if it.strip()]


def example_text(example: Any) -> str:
    """Return an example as people read it."""
    return example if isinstance(example, str) else _indented(example, "")


def _indented(value: Any, margin: str) -> str:
    """Return JSON in lines. What fits in one line stands in one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(margin) + len(line) <= MAX_LINE or not isinstance(value, dict | list) or not value:
        return line
    inner = margin + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {_indented(it, inner)}" for name, it in value.items()]
    else:
        parts = [_indented(it, inner) for it in value]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    return begin + ",".join(f"\n{inner}{part}" for part in parts) + f"\n{margin}{end}"
