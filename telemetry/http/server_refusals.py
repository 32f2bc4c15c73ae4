"""The responses to what gunicorn refuses before it calls the application.

It imports neither Flask nor the driver, as ``worker.py``.
"""

import json
from typing import NamedTuple

from gunicorn.http import errors

from telemetry.http import request_ids
from telemetry.http.error_shape import error_body
from telemetry.http.wire import HeadTimeout, Refused
from telemetry.series import Series

# The first class that fits decides.
# Texts of our own: gunicorn's quote the request, and what it could not read may be a token.
REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    HeadTimeout: (408, "Request Timeout", "The head of the request did not arrive in time"),
    errors.LimitRequestLine: (414, "URI Too Long", "The request line is too long"),
    errors.LimitRequestHeaders: (
        431,
        "Request Header Fields Too Large",
        "There are too many headers, or one of them is too long",
    ),
    errors.ExpectationFailed: (417, "Expectation Failed", "Expect accepts 100-continue"),
    errors.UnsupportedTransferCoding: (
        501,
        "Not Implemented",
        "Transfer-Encoding accepts chunked",
    ),
    errors.InvalidResponseHeader: (500, "Internal Server Error", "Internal error"),
    errors.InvalidResponseHeaderName: (500, "Internal Server Error", "Internal error"),
    errors.ConfigurationProblem: (500, "Internal Server Error", "Internal error"),
    errors.InvalidHeader: (400, "Bad Request", "A header is not valid HTTP"),
    errors.InvalidHeaderName: (400, "Bad Request", "The name of a header is not valid HTTP"),
    errors.InvalidChunkSize: (400, "Bad Request", "The chunked body is not valid HTTP"),
    errors.ChunkMissingTerminator: (400, "Bad Request", "The chunked body is not valid HTTP"),
    errors.InvalidChunkExtension: (400, "Bad Request", "The chunked body is not valid HTTP"),
    errors.ParseException: (400, "Bad Request", "The request is not valid HTTP"),
    Exception: (500, "Internal Server Error", "Internal error"),
}

COUNTED = Series(
    "telemetry_http_refusals",
    "Requests that the server refused before the application saw them",
    "counter",
    status=sorted({str(status) for status, _, _ in REFUSALS.values()}),
)


class Refusal(NamedTuple):
    """A response of the server itself, in the shape of every error."""

    status: int
    reason: str
    detail: str
    request_id: str

    @classmethod
    def of(cls, error: BaseException) -> "Refusal":
        """Return the refusal for an error, with the caller's request id where it is known."""
        request_id = error.request_id if isinstance(error, Refused) else None
        cause = error.cause if isinstance(error, Refused) else error
        status, reason, detail = next(
            it for kind, it in REFUSALS.items() if isinstance(cause, kind)
        )
        return cls(status, reason, detail, request_id or request_ids.new_id())

    def response(self) -> bytes:
        """Return the whole response. It ends the connection."""
        body = json.dumps(error_body(self.detail))
        head = (
            f"HTTP/1.1 {self.status} {self.reason}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"X-Request-ID: {self.request_id}",
        )
        return "\r\n".join([*head, "", body]).encode("ascii")
