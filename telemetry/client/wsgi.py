"""Middleware that reports the requests of a WSGI application (Flask, Django, Bottle, …).

::

    app.wsgi_app = TelemetryMiddleware(app.wsgi_app, client)
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Callable

from telemetry.client.web.endpoints import WebRequest
from telemetry.client.web.middleware import Middleware
from telemetry.client.web.traffic import Traffic

_Environ = dict[str, Any]
_App = Callable[..., Iterable[bytes]]

# An application may set this key to the pattern of the route, for example
# ``request.META["telemetry.endpoint"] = request.resolver_match.route`` with Django.
ENDPOINT_KEY = "telemetry.endpoint"


class TelemetryMiddleware(Middleware):
    """Reports each request as a runtime event when its body has ended.

    The endpoint is the pattern of the route with Flask and Bottle, or what the application puts
    under ``telemetry.endpoint``. Without either it is the path with its ids masked. The query
    string is never reported. An exception counts as status 500 and is raised again.

    The settings are those of ``Middleware``.
    """

    _app: _App

    def __call__(self, environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Respond as the application does."""
        request = _Request(self.traffic, environ)

        def start(status: str, *args: Any, **kwargs: Any) -> Any:
            request.started(status)
            return start_response(status, *args, **kwargs)

        try:
            body = self._app(environ, start)
        except BaseException:
            request.end(failed=True)
            raise
        return _followed(body, request, environ.get("wsgi.file_wrapper"))


class _Request:
    """A request in progress."""

    __slots__ = ("_began", "_ended", "_environ", "_path", "_route", "_status", "_traffic")

    def __init__(self, traffic: Traffic, environ: _Environ) -> None:
        self._traffic, self._environ = traffic, environ
        # What is mounted below takes its part of the path away.
        self._path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
        self._route: tuple[str, str | None] = ("", None)
        self._status, self._ended = 500, False
        self._began = time.perf_counter()

    def started(self, status: object) -> None:
        """Take the status line of the response, and the route, which Flask forgets afterwards."""
        try:
            self._status = int(str(status)[:3])
        except ValueError:
            self._status = 500
        try:
            self._route = _route(self._environ)
        except Exception as error:
            self._traffic.failed(error)

    def end(self, *, failed: bool = False) -> None:
        """Report the request, once."""
        if self._ended:
            return
        self._ended = True
        runtime_ms = (time.perf_counter() - self._began) * 1000
        try:
            mount, pattern = self._route if self._route[1] else _route(self._environ)
            method = str(self._environ.get("REQUEST_METHOD"))
            status = 500 if failed else self._status
            path = _decoded(self._path) or "/"
            self._traffic.add(WebRequest(mount, pattern, path, method, status, runtime_ms))
        except Exception as error:
            self._traffic.failed(error)


class _Body:
    """The body of a response. Its request ends with it."""

    def __init__(self, body: Iterable[bytes], request: _Request) -> None:
        self._body, self._request = body, request
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)
        except StopIteration:
            self._request.end()
            raise
        except BaseException:
            self._request.end(failed=True)
            raise

    def close(self) -> None:
        """Close the body. It has ended early when the client of the application has gone."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._request.end()


class _SizedBody(_Body):
    """A body with a length, of which servers make a Content-Length."""

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]


def _followed(body: Iterable[bytes], request: _Request, file_wrapper: object) -> Iterable[bytes]:
    """Return the body, in a form that ends the request when it is closed."""
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        # A server sends the file itself when it gets back what it has made.
        close = getattr(body, "close", None)

        def closed() -> None:
            try:
                if close is not None:
                    close()
            finally:
                request.end()

        try:
            body.close = closed  # type: ignore[attr-defined]
        except AttributeError:
            pass
        else:
            return body
    return _SizedBody(body, request) if hasattr(body, "__len__") else _Body(body, request)


def _route(environ: _Environ) -> tuple[str, str | None]:
    """Return where the application is mounted, and the pattern of the route below, if known."""
    request = environ.get("werkzeug.request")
    mounted = getattr(request, "environ", None) or environ
    found = (
        mounted.get(ENDPOINT_KEY) or environ.get(ENDPOINT_KEY),
        getattr(getattr(request, "url_rule", None), "rule", None),
        getattr(environ.get("bottle.route"), "rule", None),
    )
    pattern = next((each for each in found if isinstance(each, str)), None)
    return _decoded(str(mounted.get("SCRIPT_NAME", ""))), pattern


def _decoded(path: str) -> str:
    """Return a path of WSGI, which has a character for each byte, as text."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")
