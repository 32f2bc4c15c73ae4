"""``/openapi.json``, and ``/docs/try``, a reader from which requests can be sent.

The reader is swagger-ui, vendored in ``static/swagger-ui/``. Of the readers that were tried in a
browser (rapidoc, openapi-explorer, redoc), it alone keeps to a policy without ``unsafe-inline``.
It needs JavaScript, and is three times as heavy as a page may be: ``/docs``, one of the pages, is
what people read.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from flask import Blueprint, Response, abort, request

from telemetry.http import static_files
from telemetry.http.caller import needs

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
}


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
@needs()
def document() -> Response:
    """Return the OpenAPI document; 304 for a client that has it."""
    tag = static_files.version(_document())
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304, headers={"Vary": "Accept-Encoding"})
    else:
        response = static_files.send(_document(), "application/json", HEADERS)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["ETag"] = f'W/"{tag}"'
    return response


@blueprint.get("/docs/try")
@needs()
def page() -> Response:
    """Return the page of the reader."""
    response = static_files.send(_page(), "text/html; charset=utf-8", HEADERS)
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/docs/<name>")
@needs()
def file(name: str) -> Response:
    """Return a file of the reader. Its URL changes with its content, so a browser may keep it."""
    if name not in FILES:
        abort(404)
    content = _read(FILES[name].path)
    content_type = FILES[name].content_type
    return static_files.send_versioned(content, content_type, HEADERS, scope="private")


@cache
def _read(path: str) -> bytes:
    return (STATIC / path).read_bytes()


@cache
def _page() -> bytes:
    """Return the page, with the version of each file in its URL."""
    text = _read("docs.html").decode()
    for name, named in FILES.items():
        version = static_files.version(_read(named.path))
        text = text.replace(f"/docs/{name}", f"/docs/{name}?v={version}")
    return text.encode()


@cache
def _document() -> bytes:
    return msgspec.json.format(DOCUMENT.read_bytes(), indent=-1)
