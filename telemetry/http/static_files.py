"""Files of the release: compressed once, and kept by browsers while they are current."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache

from flask import Response, request

YEAR = 365 * 24 * 3600


def accepts_gzip() -> bool:
    """Return whether the client accepts gzip."""
    return request.accept_encodings.quality("gzip") > 0


@cache
def version(content: bytes) -> str:
    """Return a text that changes with the content."""
    return hashlib.sha256(content).hexdigest()[:12]


def send(content: bytes, content_type: str, headers: Mapping[str, str]) -> Response:
    """Return the content, compressed for a client that accepts that."""
    is_compressed = accepts_gzip()
    body = _compress(content) if is_compressed else content
    response = Response(body, content_type=content_type, headers=dict(headers))
    response.headers["Vary"] = "Accept-Encoding"
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def send_versioned(
    content: bytes, content_type: str, headers: Mapping[str, str], *, scope: str
) -> Response:
    """Return a file whose URL has its version as ``v``, so that it may be kept.

    ``scope`` says who may keep it: ``public`` or ``private``.
    """
    response = send(content, content_type, headers)
    is_current = request.args.get("v") == version(content)
    age = f"{scope}, max-age={YEAR}, immutable" if is_current else "no-cache"
    response.headers["Cache-Control"] = age
    return response


@cache
def _compress(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
