"""Middleware that reports the requests of an ASGI application (FastAPI, Starlette, Litestar, …).

::

    app.add_middleware(TelemetryMiddleware, client=client)
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, MutableMapping
from functools import lru_cache
from typing import Any, Callable

from telemetry.client.web.endpoints import WebRequest
from telemetry.client.web.middleware import Middleware
from telemetry.client.web.traffic import Traffic

_Scope = MutableMapping[str, Any]
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

# An application may set this key of the scope to the pattern of the route.
ENDPOINT_KEY = "telemetry.endpoint"

# The client of the application has gone before there was a response. nginx logs the same.
_CLIENT_GONE = 499


class TelemetryMiddleware(Middleware):
    """Reports each HTTP request as a runtime event when its body has ended.

    The endpoint is the pattern of the route with FastAPI, Starlette and Litestar, or what the
    application puts into its scope under ``telemetry.endpoint``. Without either it is the path with
    its ids masked. The query string is never reported. An exception counts as status 500 and is
    raised again. Background tasks that follow a response are not part of it. WebSockets are not
    reported.

    The settings are those of ``Middleware``.
    """

    _app: _App

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Respond as the application does."""
        if scope["type"] == "http":
            await self._respond(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, self._flushing(send))
        else:
            await self._app(scope, receive, send)

    async def _respond(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        request = _Request(self.traffic, scope)

        async def sending(message: _Message) -> None:
            request.sends(message)
            try:
                await send(message)
            except OSError:
                request.is_client_gone = True
                raise
            request.sent(message)

        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:
            request.end(request.status or _CLIENT_GONE)
            raise
        except BaseException:
            request.end(request.status or _CLIENT_GONE if request.is_client_gone else 500)
            raise
        request.end(request.status or 500)

    def _flushing(self, send: _Send) -> _Send:
        """Return a ``send`` that records the rest at shutdown: some servers end by a signal."""

        async def sending(message: _Message) -> None:
            if str(message.get("type")).startswith("lifespan.shutdown"):
                self.traffic.flush()
            await send(message)

        return sending


class _Request:
    """A request in progress."""

    __slots__ = ("_began", "_ended", "_path", "_scope", "_traffic", "is_client_gone", "status")

    def __init__(self, traffic: Traffic, scope: _Scope) -> None:
        self._traffic, self._scope = traffic, scope
        self._path = str(scope.get("path") or "/")
        self.status: int | None = None
        self.is_client_gone = self._ended = False
        self._began = time.perf_counter()

    def sends(self, message: _Message) -> None:
        """Take the status of the response, which is about to start."""
        if message.get("type") == "http.response.start":
            status = message.get("status")
            self.status = status if isinstance(status, int) else 500

    def sent(self, message: _Message) -> None:
        """End the request with the last part of its response."""
        kind = message.get("type")
        is_body = kind in ("http.response.body", "http.response.zerocopysend")
        if kind == "http.response.pathsend" or (is_body and not message.get("more_body")):
            self.end(self.status or 500)

    def end(self, status: int) -> None:
        """Report the request, once."""
        if self._ended:
            return
        self._ended = True
        runtime_ms = (time.perf_counter() - self._began) * 1000
        try:
            mount, pattern, path = _route(self._scope, self._path)
            method = str(self._scope.get("method"))
            self._traffic.add(WebRequest(mount, pattern, path, method, int(status), runtime_ms))
        except Exception as error:
            self._traffic.failed(error)


def _route(scope: _Scope, path: str) -> tuple[str, str | None, str]:
    """Return what stands before the pattern of the route, the pattern if known, and the path.

    Routers that include each other leave the pattern of the innermost. So the rest comes from the
    path, with the names of parameters in the place of their values.
    """
    given = scope.get(ENDPOINT_KEY)
    if isinstance(given, str):
        return str(scope.get("root_path") or ""), given, path
    pattern = _pattern(scope)
    if pattern is not None:
        found = _at_end(pattern).search(path)
        if found is not None:
            return _without_values(path[: found.start()], scope), pattern, path
    return "", None, _without_values(path, scope)


def _pattern(scope: _Scope) -> str | None:
    """Return the pattern that the framework puts into the scope, if it does."""
    route = scope.get("route")  # FastAPI, Starlette
    pattern = getattr(route, "path", None)
    if isinstance(pattern, str):
        return f"{pattern}/{{path:path}}" if hasattr(route, "routes") else pattern
    template = scope.get("path_template")  # Litestar
    return template if isinstance(template, str) else None


@lru_cache(1024)
def _at_end(pattern: str) -> re.Pattern[str]:
    """Return an expression that finds the pattern at the end of a path."""
    parts = []
    for part in re.split(r"(\{[^{}]*\})", pattern):
        if part.startswith("{"):
            parts.append(".*" if part.endswith(":path}") else "[^/]+")
        else:
            parts.append(re.escape(part))
    return re.compile(f"{''.join(parts)}/?$")


def _without_values(path: str, scope: _Scope) -> str:
    parameters = scope.get("path_params")
    if not parameters or not isinstance(parameters, dict):
        return path
    names = {str(value): f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(names.get(segment, segment) if segment else "" for segment in path.split("/"))
