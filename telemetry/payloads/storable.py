"""Finding the values of a parsed document that cannot be stored.

A well-formed document may hold values that PostgreSQL or a double cannot: NaN, 1e400,
integers beyond 64 bits, NUL characters, lone surrogates, nesting beyond MAX_DEPTH. They
are found here for every payload, and reported at their top-level field.
"""

import re
from typing import Any, NamedTuple

from telemetry.http.errors import Problem, problem

# PostgreSQL's own limit on jsonb depends on its stack; this one does not.
MAX_DEPTH = 100

_UNSTORABLE_TEXT = re.compile("[\0\ud800-\udfff]")


class Defect(NamedTuple):
    """A value that can't be stored: what is wrong with it, and the problem's type.

    ``digits`` are those of an integer that is too long, for fields that take it all the same.
    """

    message: str
    kind: str
    digits: str | None = None


NAN = Defect("NaN and Infinity are no JSON numbers", "number_not_finite")
TOO_LARGE = Defect("Number is too large for a double", "number_not_finite")
TOO_LONG = Defect("Integer is outside -2^63 to 2^63-1", "int_out_of_range")
TOO_DEEP = Defect(f"Nesting is deeper than {MAX_DEPTH} levels", "nesting_too_deep")
BAD_TEXT = Defect("Text holds a NUL character or a lone surrogate", "text_not_storable")


def defects(document: dict[str, Any]) -> dict[str, Defect]:
    """Return, by top-level field, the first value that can't be stored."""
    found = {}
    for name, value in document.items():
        if defect := _text_defect(name) or _defect(value, 2):
            found[name] = defect
    return found


def printable(name: str) -> str:
    """Return a client's field name as text that any encoder takes."""
    return name.encode("utf-8", "backslashreplace").decode()


def problems(found: dict[str, Defect], loc: tuple[str | int, ...] = ("body",)) -> list[Problem]:
    """Return the defects of a document as problems at ``loc``."""
    return [
        problem([*loc, printable(name)], defect.message, defect.kind)
        for name, defect in found.items()
    ]


def _defect(value: Any, depth: int) -> Defect | None:
    if isinstance(value, Defect):
        return value
    if isinstance(value, str):
        return _text_defect(value)
    if isinstance(value, dict):
        parts: list[Any] = [*value.keys(), *value.values()]
    elif isinstance(value, list):
        parts = value
    else:
        return None
    if depth > MAX_DEPTH:
        return TOO_DEEP
    return next((found for part in parts if (found := _defect(part, depth + 1))), None)


def _text_defect(text: str) -> Defect | None:
    return BAD_TEXT if _UNSTORABLE_TEXT.search(text) else None
