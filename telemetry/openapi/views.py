"""``/openapi.json``, and ``/docs/try``, a reader from which requests can be sent.

The reader is swagger-ui, vendored in ``static/swagger-ui/``. Of the readers that were tried in a
browser (rapidoc, openapi-explorer, redoc), it alone keeps to a policy without ``unsafe-inline``.
It needs JavaScript, and is three times as heavy as a page may be: ``/docs``, one of the pages, is
what people read.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from flask import Blueprint, Response, abort, request

STATIC = Path(__file__).parent / "static"
DOCUMENT = Path(__file__).parent / "openapi.json"

# The reader draws its icons as data: images.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
}

YEAR = 365 * 24 * 3600


class File(NamedTuple):
    """A file of the reader, and its content type."""

    path: str
    content_type: str


# By the name in the URL; no other file can be asked for.
FILES = {
    "docs.css": File("docs.css", "text/css; charset=utf-8"),
    "docs.js": File("docs.js", "text/javascript; charset=utf-8"),
    "swagger-ui-bundle.js": File(
        "swagger-ui/swagger-ui-bundle.js", "text/javascript; charset=utf-8"
    ),
    "swagger-ui.css": File("swagger-ui/swagger-ui.css", "text/css; charset=utf-8"),
}

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI document; 304 for a client that has it."""
    tag = _version(_document())
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304, headers={"Vary": HEADERS["Vary"]})
    else:
        response = _send(_document(), "application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["ETag"] = f'W/"{tag}"'
    return response


@blueprint.get("/docs/try")
def page() -> Response:
    """Return the page of the reader."""
    response = _send(_page(), "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/docs/<name>")
def file(name: str) -> Response:
    """Return a file of the reader. Its URL changes with its content, so a browser may keep it."""
    if name not in FILES:
        abort(404)
    content = _read(FILES[name].path)
    response = _send(content, FILES[name].content_type)
    is_current = request.args.get("v") == _version(content)
    age = f"private, max-age={YEAR}, immutable" if is_current else "no-cache"
    response.headers["Cache-Control"] = age
    return response


def _send(content: bytes, content_type: str) -> Response:
    """Return the content, compressed for a client that accepts that."""
    is_compressed = request.accept_encodings.quality("gzip") > 0
    body = _compress(content) if is_compressed else content
    response = Response(body, content_type=content_type, headers=HEADERS)
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@cache
def _compress(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@cache
def _version(content: bytes) -> str:
    """Return a text that changes with the content."""
    return hashlib.sha256(content).hexdigest()[:12]


@cache
def _read(path: str) -> bytes:
    return (STATIC / path).read_bytes()


@cache
def _page() -> bytes:
    """Return the page, with the version of each file in its URL."""
    text = _read("docs.html").decode()
    for name, named in FILES.items():
        text = text.replace(f"/docs/{name}", f"/docs/{name}?v={_version(_read(named.path))}")
    return text.encode()


@cache
def _document() -> bytes:
    return msgspec.json.format(DOCUMENT.read_bytes(), indent=-1)
