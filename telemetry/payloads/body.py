"""Reading the body of a request: its content type, its encoding, its length, all of its bytes."""

import codecs
from collections.abc import Callable, Iterator
from typing import Any

from flask import Request, current_app, request
from msgspec import Raw
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from telemetry import time_limits
from telemetry.http.errors import ApiError
from telemetry.payloads.compression import gunzip
from telemetry.payloads.size import check_record

JSON = "application/json"
JSON_LINES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
)

# How much of a body without a length, or of a compressed one, is read at once.
PIECE_BYTES = 64 * 1024

Environ = dict[str, Any]


def read_body(*content_types: str, limit: int | None = None) -> tuple[str, bytes]:
    """Return the request's content type, one of ``content_types``, and its body.

    The body is decompressed and has no byte order mark. It is not checked for UTF-8. ``limit`` is
    in bytes, in place of the configured one. Raises
    ApiError 415 for another content type or an encoding other than gzip, ApiError 408 for a body
    that stops arriving, Invalid for damaged gzip, RequestEntityTooLarge for a body over the
    limit, and ClientDisconnected for one that ends early.
    """
    # The request itself, not Flask's proxy: each access through the proxy costs more than most
    # of the steps below. To mypy the proxy is a plain Request.
    this: Request = request._get_current_object()  # type: ignore[attr-defined]
    environ = this.environ
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type not in content_types:
        content_type = this.mimetype
        charset = this.mimetype_params.get("charset", "utf-8").lower()
        if content_type not in content_types or charset not in ("utf-8", "utf8"):
            raise ApiError(415, f"Content-Type must be {' or '.join(content_types)}, in UTF-8")
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    read = _READERS.get(encoding)
    if read is None:
        headers = {"Accept-Encoding": "gzip"}
        raise ApiError(415, "Content-Encoding must be gzip, or none", headers=headers)
    try:
        body = read(environ, limit or current_app.config["MAX_CONTENT_LENGTH"])
    except (ApiError, HTTPException):
        raise
    except TimeoutError as error:
        detail = f"The body stopped arriving for {time_limits.SILENCE_SECONDS:.0f} s"
        raise ApiError(408, detail) from error
    except Exception as error:  # the server's own exception for a malformed chunk
        raise ClientDisconnected from error
    time_limits.start_request()
    return content_type, body.removeprefix(codecs.BOM_UTF8)


def read_document() -> Raw:
    """Return the request's JSON document, not parsed yet.

    Raises what read_body raises, and Invalid for a document with too many values.
    """
    body = read_body(JSON)[1]
    check_record(body)
    return Raw(body)


def _read_plain(environ: Environ, limit: int) -> bytes:
    """Return the whole body of less than ``limit`` bytes."""
    length = environ.get("CONTENT_LENGTH") or "unknown"
    if length.isdecimal() and int(length) < limit:
        body: bytes = environ["wsgi.input"].read(int(length))
        if len(body) != int(length):
            raise ClientDisconnected
        return body
    return b"".join(_pieces(environ, limit))


def _read_gzip(environ: Environ, limit: int) -> bytes:
    """Return the whole body, decompressed to less than ``limit`` bytes."""
    return gunzip(_pieces(environ, limit), limit)


def _pieces(environ: Environ, limit: int) -> Iterator[bytes]:
    """Yield the body of less than ``limit`` bytes in pieces, from the server's stream."""
    length = environ.get("CONTENT_LENGTH") or "unknown"
    known = length.isdecimal()
    left = int(length) if known else limit
    if known and left >= limit:
        raise RequestEntityTooLarge
    if not known and not environ.get("wsgi.input_terminated"):
        return  # without a length, only the server knows where the body ends
    while left and (piece := environ["wsgi.input"].read(min(left, PIECE_BYTES))):
        left -= len(piece)
        yield piece
    if known and left:
        raise ClientDisconnected
    if not left and not known:
        raise RequestEntityTooLarge


# By Content-Encoding. RFC 9110 asks to read x-gzip as gzip.
_READERS: dict[str, Callable[[Environ, int], bytes]] = {
    "": _read_plain,
    "identity": _read_plain,
    "gzip": _read_gzip,
    "x-gzip": _read_gzip,
}
