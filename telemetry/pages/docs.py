"""The page of the API: what each operation needs and returns, as the OpenAPI document says."""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from flask import Response, request
from markupsafe import Markup

from telemetry.http.caller import needs
from telemetry.openapi.outline import Content, Operation, Outline
from telemetry.openapi.reading import outline
from telemetry.openapi.views import DOCUMENT
from telemetry.pages import render, words
from telemetry.pages.extension import blueprint

# An example of more lines is folded.
SHORT = 14

# So are the optional fields of a body with more of them.
FEW = 8

JSON_LINES = "application/x-ndjson"


@blueprint.get("/docs")
@needs()
def show_docs() -> Response:
    """Return the page; 304 for a browser that has it. It needs no database."""
    response = render.page("docs.html", api=_outline(), short=SHORT, few=FEW, write=WRITERS)
    tag = hashlib.sha256(response.get_data()).hexdigest()[:32]
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304, headers={**render.HEADERS, **render.CACHING})
    response.headers["ETag"] = f'W/"{tag}"'
    return response


@cache
def _outline() -> Outline:
    return outline(msgspec.json.decode(DOCUMENT.read_bytes()))


def _commands(operation: Operation) -> list[str]:
    """Return the commands that send the examples of an operation to this host."""
    no_body = [Content("", "")]
    contents = operation.body.contents if operation.body else no_body
    # Content types of JSON Lines are one and the same.
    shown = [it for it in contents if it.content_type in ("", "application/json", JSON_LINES)]
    return [
        words.curl(
            operation.target,
            it.example.strip(),
            operation.method,
            content_type=it.content_type,
            needs_token=not operation.is_open,
        )
        for it in shown
    ]


def _prose(text: str) -> Markup:
    """Return a text with what stands between backticks as code."""
    parts = re.split(r"`([^`]+)`", text)
    shown = [Markup("<code>{}</code>").format(it) if i % 2 else it for i, it in enumerate(parts)]
    return Markup("").join(shown)


def _label(summary: str) -> str:
    """Return the beginning of a summary, which names the operation."""
    return re.split("[:;,] ", summary)[0]


def _anchor(title: str) -> str:
    return title.replace(" ", "-")


WRITERS: dict[str, Callable[..., Any]] = {
    "commands": _commands,
    "prose": _prose,
    "label": _label,
    "anchor": _anchor,
}
