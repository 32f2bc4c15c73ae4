"""``/openapi.json``, and ``/docs``, the page that shows it.

The page is swagger-ui, vendored in ``static/swagger-ui/``. Of the readers that were tried in a
browser (rapidoc, openapi-explorer, redoc), it alone keeps to a policy without ``unsafe-inline``.
"""

import gzip
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from flask import Blueprint, Response, abort, request

from telemetry.http.responses import BytesResponse

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


class File(NamedTuple):
    """A file of the page, and its content type."""

    path: str
    content_type: str


PAGE = File("docs.html", "text/html; charset=utf-8")

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
    """Return the OpenAPI document."""
    return BytesResponse(_compact_document(), 200)


@blueprint.get("/docs")
def page() -> Response:
    """Return the page that shows the document."""
    response = _send(PAGE)
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/docs/<name>")
def file(name: str) -> Response:
    """Return a file of the page. A browser asks for it again only when it may have changed."""
    if name not in FILES:
        abort(404)
    response = _send(FILES[name])
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _send(file: File) -> Response:
    """Return the file, compressed for a browser that accepts that."""
    compressed = request.accept_encodings.quality("gzip") > 0
    response = Response(_read(file, compressed=compressed), content_type=file.content_type)
    response.headers.update(HEADERS)
    if compressed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@cache
def _read(file: File, *, compressed: bool) -> bytes:
    content = (STATIC / file.path).read_bytes()
    return gzip.compress(content, mtime=0) if compressed else content


@cache
def _compact_document() -> bytes:
    return msgspec.json.format(DOCUMENT.read_bytes(), indent=-1)
