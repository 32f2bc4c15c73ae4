"""Finding the values of a parsed document that cannot be stored.

A well-formed document may hold values that PostgreSQL or a double cannot hold: NaN, 1e400,
integers beyond 64 bits, NUL characters, lone surrogates, nesting beyond MAX_DEPTH. Every payload
is searched for them, and each is reported at its top-level field.
"""

import re
from typing import Any, NamedTuple

from telemetry.http.error_shape import Problem, problem

# PostgreSQL's own limit for jsonb depends on the size of its stack.
MAX_DEPTH = 100

_UNSTORABLE_TEXT = re.compile("[\0\ud800-\udfff]")


class Defect(NamedTuple):
    """A value that cannot be stored: what is wrong with it, and the type of the problem.

    ``digits`` are those of an integer that is too long, for the fields that accept it.
    """

    message: str
    kind: str
    digits: str | None = None


NAN = Defect("NaN and Infinity are not JSON numbers", "number_not_finite")
TOO_LARGE = Defect("Number is too large for a double", "number_not_finite")
TOO_LONG = Defect("Integer is outside -2^63 to 2^63-1", "int_out_of_range")
TOO_DEEP = Defect(f"Nesting is deeper than {MAX_DEPTH} levels", "nesting_too_deep")
BAD_TEXT = Defect("Text holds a NUL character or a lone surrogate", "text_not_storable")


def find_defects(document: dict[str, Any]) -> dict[str, Defect]:
    """Return, by top-level field, the first value that cannot be stored."""
    found = {}
    for name, value in document.items():
        if defect := _text_defect(name) or _defect(value, 2):
            found[name] = defect
    return found


def escape_surrogates(name: str) -> str:
    """Return a client's field name with each lone surrogate escaped, so that it can be encoded."""
    return name.encode("utf-8", "backslashreplace").decode()


def defect_problems(
    found: dict[str, Defect], loc: tuple[str | int, ...] = ("body",)
) -> list[Problem]:
    """Return the problems of a document's defects, each located below ``loc``."""
    return [
        problem([*loc, escape_surrogates(name)], defect.message, defect.kind)
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
