"""Reading the body of a request: its content type, its length, all of its bytes."""

from flask import Request, current_app, request
from msgspec import Raw
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from telemetry import time_limits
from telemetry.http.errors import ApiError

JSON = "application/json"
NDJSON = "application/x-ndjson"


def read_body(*content_types: str) -> tuple[str, bytes]:
    """Return the request's content type, one of ``content_types``, and its body.

    The body is not checked for UTF-8. Raises ApiError 415 for another content type or a
    Content-Encoding, RequestEntityTooLarge for a body over the limit, and ClientDisconnected for
    one that ends early.
    """
    # The request itself, not Flask's proxy: each access through the proxy costs more than most
    # of the steps below. To mypy the proxy is a plain Request.
    this: Request = request._get_current_object()  # type: ignore[attr-defined]
    environ = this.environ
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type not in content_types:
        content_type = this.mimetype
        charset = this.mimetype_params.get("charset", "utf-8").lower()
        if content_type not in content_types or charset not in ("utf-8", "utf8"):
            raise ApiError(415, f"Content-Type must be {' or '.join(content_types)}, in UTF-8")
    if environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise ApiError(415, "Content-Encoding is not supported: send the body uncompressed")
    return content_type, _read_all(this, current_app.config["MAX_CONTENT_LENGTH"])


def read_document() -> Raw:
    """Return the request's JSON document, not parsed yet. Raises what read_body raises."""
    return Raw(read_body(JSON)[1])


def _read_all(this: Request, limit: int) -> bytes:
    """Return the whole body of less than ``limit`` bytes; restart the request's clock.

    ``limit`` is one byte more than the configured one: a chunked body that reaches it is too
    long. werkzeug alone would return the part that arrived of a body that ends early.
    """
    environ = this.environ
    length = environ.get("CONTENT_LENGTH") or "unknown"
    try:
        if length.isdecimal() and int(length) < limit:
            # Straight from the server: werkzeug's streams would only limit the length again.
            body = environ["wsgi.input"].read(int(length))
        else:
            body = this.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:  # the server's own exception for a malformed chunk
        raise ClientDisconnected from error
    time_limits.start_request()
    if len(body) >= limit:
        raise RequestEntityTooLarge
    if length.isdecimal() and len(body) != int(length):
        raise ClientDisconnected
    return bytes(body)
