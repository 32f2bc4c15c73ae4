"""JSON responses."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec
from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class BytesResponse(Response):
    """A response whose whole body is known: it is sent unchanged, with its length.

    It may have any status except those without a body, 204 and 304. Functions registered with
    ``call_on_close`` are not called.
    """

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str] | None = None) -> None:
        # As a list: given plain bytes, werkzeug sets the Content-Length itself, more slowly.
        super().__init__([body], status, headers, content_type="application/json")

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Respond to a WSGI server, without werkzeug's steps for streams and redirects."""
        (body,) = cast(list[bytes], self.response)
        self.headers["Content-Length"] = str(len(body))
        start(self.status, [*self.headers])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return ``body`` as a JSON response."""
    return BytesResponse(msgspec.json.encode(body), status, headers)
