"""Parsing JSON documents. A number that cannot be stored is parsed as a Defect."""

import json
import re
from math import isinf
from typing import Any

from msgspec import Raw

from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.numbers import is_int64
from telemetry.payloads.storable import MAX_DEPTH, NAN, TOO_DEEP, TOO_LARGE, TOO_LONG, Defect

# Digits that a Defect keeps of an integer beyond 64 bits. 128 bits have at most 39.
MAX_DIGITS = 40

_TOKEN = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"|[\[\]{}]', re.DOTALL)


def parse_document(
    document: Raw | bytes, loc: tuple[str | int, ...] = ("body",), *, long_integers: bool = False
) -> Any:
    """Return the parsed document, with a Defect for each number that cannot be stored.

    With ``long_integers`` an integer beyond 64 bits is returned as such, unless it overflows a
    double. Raises Invalid: at ``loc`` when the document is not JSON in UTF-8, and at the
    top-level field below it when the nesting is too deep to parse.
    """
    try:
        text = bytes(document).decode()
        return (_long_decoder if long_integers else _decoder).decode(text)
    except UnicodeDecodeError as error:
        raise Invalid([problem([*loc], f"Body is not UTF-8: {error.reason}", "utf8")]) from error
    except ValueError as error:
        raise Invalid([problem([*loc], f"Body is not JSON: {error}", "json_invalid")]) from error
    except RecursionError as error:
        field = _field_too_deep(text)
        at = [*loc] if field is None else [*loc, field]
        raise Invalid([problem(at, TOO_DEEP.message, TOO_DEEP.kind)]) from error


def parse_if_raw(document: Any, loc: tuple[str | int, ...] = ("body",)) -> Any:
    """Return the document, parsed if it is still Raw. Raises what parse_document raises."""
    return parse_document(document, loc) if isinstance(document, Raw) else document


def _integer(digits: str) -> int | Defect:
    # Checked first: int() raises for thousands of digits.
    if len(digits) > 20 or not is_int64(int(digits)):
        return TOO_LONG._replace(digits=digits[:MAX_DIGITS])
    return int(digits)


def _long_integer(digits: str) -> int | Defect:
    double = _double(digits)
    return double if isinstance(double, Defect) else int(digits)


def _double(digits: str) -> float | Defect:
    number = float(digits)
    return TOO_LARGE if isinf(number) else number


def _field_too_deep(text: str) -> str | None:
    """Return the name of the top-level field in which the nesting exceeds MAX_DEPTH."""
    depth, name = 0, None
    for token in _TOKEN.finditer(text):
        if token["text"] is not None:
            name = token["text"] if depth == 1 else name
        elif token[0] in "[{":
            depth += 1
        else:
            depth -= 1
        if depth > MAX_DEPTH:
            break
    return name if text.lstrip().startswith("{") else None


_decoder, _long_decoder = (
    json.JSONDecoder(parse_int=integer, parse_float=_double, parse_constant=lambda _: NAN)
    for integer in (_integer, _long_integer)
)
