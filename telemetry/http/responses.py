"""JSON answers."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec
from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class BytesResponse(Response):
    """An answer whose body is all there: it is sent as it is, with its length.

    It may have any status but those without a body, 204 and 304, and no functions that are
    to be called at its end.
    """

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str] | None = None) -> None:
        # As a list, since of bytes alone werkzeug would look after each header itself.
        super().__init__([body], status, headers, content_type="application/json")

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Answer a WSGI server, without werkzeug's care for streams, locations and closers."""
        (body,) = cast(list[bytes], self.response)
        self.headers["Content-Length"] = str(len(body))
        start(self.status, [*self.headers])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return ``body`` as a JSON response."""
    return BytesResponse(msgspec.json.encode(body), status, headers)
