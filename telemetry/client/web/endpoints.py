"""The endpoint of a web request: the pattern of its route, or its path without ids.

A summary of endpoints is useful while they are few. So their number is bounded, and what anyone
can make up does not use the bound up.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# Client errors of paths that have no route and never worked: what scanners ask for.
UNKNOWN = "/(unknown)"
# All endpoints beyond the bound.
OTHER = "/(other)"

_ID = "{id}"
_MAX_SEGMENTS = 10
_LONGEST_NAME = 40
_HEX = re.compile(r"[0-9a-fA-F-]{8,}")
_WERKZEUG = re.compile(r"<(?:[^<>]*:)?(\w+)>")
_STARLETTE = re.compile(r"\{(\w+):[^{}]*\}")


class WebRequest(NamedTuple):
    """A request that has ended. ``pattern`` is below ``mount``, and ``path`` is complete."""

    mount: str
    pattern: str | None
    path: str
    method: str
    status: int
    runtime_ms: float


class Endpoints:
    """Names the endpoints of requests. Used by one thread at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def of(self, request: WebRequest) -> str:
        """Return the endpoint of a request."""
        if request.pattern is not None:
            endpoint = masked(request.mount).rstrip("/") + plain(request.pattern)
        else:
            endpoint = masked(request.path)
        if endpoint in self._known:
            return endpoint
        if request.pattern is None and 400 <= request.status < 500:
            return UNKNOWN
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(endpoint)
        return endpoint


@lru_cache(1024)
def plain(pattern: str) -> str:
    """Return a route's pattern with its parameters as ``{name}``, whatever the framework."""
    pattern = _STARLETTE.sub(r"{\1}", _WERKZEUG.sub(r"{\1}", pattern))
    return pattern if pattern.startswith("/") else f"/{pattern}"


def masked(path: str) -> str:
    """Return a path with ``{id}`` in the place of each segment that looks like an id."""
    segments = path.split("/")
    if len(segments) > _MAX_SEGMENTS:
        segments = [*segments[:_MAX_SEGMENTS], "…"]
    return "/".join(_ID if _is_id(segment) else segment for segment in segments)


def _is_id(segment: str) -> bool:
    """Return whether a segment is more likely a value than a name: v1 is a name, 4711 a value."""
    if len(segment) > _LONGEST_NAME or "@" in segment:
        return True
    digits = sum(each.isdigit() for each in segment)
    if not digits:
        return False
    if not any(each.isalpha() for each in segment):
        return True
    is_mixed = segment != segment.lower() and segment != segment.upper()
    return bool(_HEX.fullmatch(segment)) or (len(segment) >= 16 and (digits > 1 or is_mixed))
