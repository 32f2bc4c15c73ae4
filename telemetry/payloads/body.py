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

    Whether that is UTF-8 is for those to find who read it. Raises ApiError 415 for another type
    or a Content-Encoding, and RequestEntityTooLarge for a body over the limit.
    """
    # Itself: each way through its proxy, which to mypy is a plain Request, takes longer than most
    # of what follows.
    this: Request = request._get_current_object()  # type: ignore[attr-defined]
    environ = this.environ
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type not in content_types:
        content_type = this.mimetype
        charset = this.mimetype_params.get("charset", "utf-8").lower()
        if content_type not in content_types or charset not in ("utf-8", "utf8"):
            raise ApiError(415, f"Content-Type must be {' or '.join(content_types)}, in UTF-8")
    if environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise ApiError(415, "Content-Encoding is not supported: send the body as it is")
    return content_type, _read_all(this, current_app.config["MAX_CONTENT_LENGTH"])


def _read_all(this: Request, limit: int) -> bytes:
    """Return the whole body; werkzeug itself returns what there is of one cut short.

    A body of known length comes straight from the server, without werkzeug's streams. The limit
    is one byte more than the configured one, which tells a chunked body that is too long from
    one that has just the limit's length.
    """
    environ = this.environ
    length = environ.get("CONTENT_LENGTH") or "unknown"
    try:
        if length.isdecimal() and int(length) < limit:
            body = environ["wsgi.input"].read(int(length))
        else:
            body = this.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:  # the server's own, for a body that breaks its protocol
        raise ClientDisconnected from error
    time_limits.start_request()
    if len(body) >= limit:
        raise RequestEntityTooLarge
    if length.isdecimal() and len(body) != int(length):
        raise ClientDisconnected
    return bytes(body)


def read_document() -> Raw:
    """Return the request's JSON document, not parsed yet. Raises what read_body raises."""
    return Raw(read_body(JSON)[1])
