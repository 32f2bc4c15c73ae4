"""Reading JSON bodies: what is no JSON is refused whole, what can't be stored by its field.

A well-formed document may hold values that PostgreSQL or a double can't: NaN, 1e400,
integers beyond 64 bits, NUL characters, lone surrogates, nesting beyond MAX_DEPTH. They
are found here, for every payload alike, and reported at their top-level field.
"""

import json
import re
from typing import Any, NamedTuple

from flask import Request, current_app, request
from msgspec import Raw
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from telemetry import deadline
from telemetry.errors import ApiError, Invalid, Problem, problem

# PostgreSQL's own limit on jsonb depends on its stack; this one does not.
MAX_DEPTH = 100

# Of an integer beyond 64 bits: 128 bits have 39, so that one more tells that it is too long.
MAX_DIGITS = 40

JSON = "application/json"
NDJSON = "application/x-ndjson"

_UNSTORABLE_TEXT = re.compile("[\0\ud800-\udfff]")
_TOKEN = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"|[\[\]{}]', re.DOTALL)


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


def read_body(*content_types: str) -> tuple[str, bytes]:
    """Return the request's content type, one of ``content_types``, and its body.

    Whether that is UTF-8 is for those to find who read it. Raises ApiError 415 for another type
    or a Content-Encoding, and RequestEntityTooLarge for a body over the limit.
    """
    # Itself: each way through its proxy, which to mypy is a plain Request, takes longer than most
    # of what follows.
    this: Request = request._get_current_object()  # type: ignore[attr-defined]
    environ = this.environ
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type not in content_types:
        content_type = this.mimetype
        charset = this.mimetype_params.get("charset", "utf-8").lower()
        if content_type not in content_types or charset not in ("utf-8", "utf8"):
            raise ApiError(415, f"Content-Type must be {' or '.join(content_types)}, in UTF-8")
    if environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise ApiError(415, "Content-Encoding is not supported: send the body as it is")
    return content_type, _read_all(this, current_app.config["MAX_CONTENT_LENGTH"])


def _read_all(this: Request, limit: int) -> bytes:
    """Return the whole body; werkzeug itself returns what there is of one cut short.

    A body of known length comes straight from the server, without werkzeug's streams. The limit
    is one byte more than the configured one, which tells a chunked body that is too long from
    one that has just the limit's length.
    """
    environ = this.environ
    length = environ.get("CONTENT_LENGTH") or "unknown"
    try:
        if length.isdecimal() and int(length) < limit:
            body = environ["wsgi.input"].read(int(length))
        else:
            body = this.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:  # the server's own, for a body that breaks its protocol
        raise ClientDisconnected from error
    deadline.start()
    if len(body) >= limit:
        raise RequestEntityTooLarge
    if length.isdecimal() and len(body) != int(length):
        raise ClientDisconnected
    return bytes(body)


def read_document() -> Raw:
    """Return the request's JSON document, not parsed yet. Raises what read_body raises."""
    return Raw(read_body(JSON)[1])


def parse_document(
    document: Raw | bytes, loc: tuple[str | int, ...] = ("body",), *, long_integers: bool = False
) -> Any:
    """Parse one JSON document; a number that can't be stored becomes a Defect.

    With ``long_integers`` one beyond 64 bits is kept as it is, unless it is beyond a double.
    Raises Invalid, located at ``loc``, when it is no JSON in UTF-8, and at the top-level field
    below it when the nesting is too deep to parse.
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


def parsed(document: Any, loc: tuple[str | int, ...] = ("body",)) -> Any:
    """Return the document, parsed where it is Raw still. Raises what parse_document raises."""
    return parse_document(document, loc) if isinstance(document, Raw) else document


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


def _integer(digits: str) -> int | Defect:
    # Bounded before int(), which refuses thousands of digits with an error of its own.
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        return TOO_LONG._replace(digits=digits[:MAX_DIGITS])
    return int(digits)


def _long_integer(digits: str) -> int | Defect:
    double = _double(digits)
    return double if isinstance(double, Defect) else int(digits)


def _double(digits: str) -> float | Defect:
    number = float(digits)
    return TOO_LARGE if number in (float("inf"), float("-inf")) else number


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
