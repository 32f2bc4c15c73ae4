"""From a failure to its response: views and schemas raise, the handlers here respond.

The shape of the body is in ``error_shape.py``, the ``Retry-After`` of a 503 in
``telemetry/failures.py``. A browser that opens a page gets the error as a page.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from telemetry.database.errors import IntegrityViolation
from telemetry.failures import Unavailable
from telemetry.http import browser, request_log
from telemetry.http.error_shape import Problem, error_body, integrity_error
from telemetry.http.reasons import reason_of
from telemetry.http.responses import json_response

# Something is lost until the client is corrected, so their log lines are warnings.
WARNED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY)

# Their log lines say it all: the path, the method and the status.
OBVIOUS = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


class ApiError(Exception):
    """An error response.

    The request's log line gives the reason that is in ``detail``; ``log`` replaces that line.
    """

    def __init__(
        self,
        status: int,
        detail: Any,
        *,
        headers: Mapping[str, str] | None = None,
        log: str | None = None,
        **more: Any,
    ) -> None:
        """``more`` are members of the body besides ``detail``."""
        super().__init__(detail)
        self.status = status
        self.body = error_body(detail, **more)
        self.headers = dict(headers or {})
        self.log = log


class Invalid(ApiError):
    """A 422 that lists every problem at once; ``more`` are members of the body."""

    def __init__(self, problems: list[Problem], **more: Any) -> None:
        super().__init__(HTTPStatus.UNPROCESSABLE_ENTITY, problems, **more)
        self.problems = problems


def init_app(app: Flask) -> None:
    """Register the handlers that turn every failure into an error response."""
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(IntegrityViolation, _integrity_violation)
    app.register_error_handler(Exception, _unexpected)


def _api_error(error: ApiError) -> Response:
    if error.log:
        request_log.set_log_message(error.log, level="ERROR", cause=error.__cause__)
    else:
        level = "WARNING" if error.status in WARNED else "INFO"
        request_log.set_log_reason(reason_of(error.body["detail"]), level=level)
    return _respond(error.body, error.status, error.headers)


def _http_error(error: HTTPException) -> Response:
    headers = {}
    detail = error.description or error.name
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
        detail = f"This URL accepts {headers['Allow']}"
    if isinstance(error, RequestEntityTooLarge):
        limit = current_app.extensions["config"].max_body_bytes
        detail = f"The body is larger than {limit:,} bytes (TELEMETRY_MAX_BODY_BYTES)"
    if error.code not in OBVIOUS:
        request_log.set_log_reason(reason_of(detail))
    return _respond(error_body(detail), error.code or 500, headers)


def _unavailable(error: Unavailable) -> Response:
    if error.log:
        request_log.set_log_message(error.log, level="ERROR")
    else:
        request_log.set_log_reason(reason_of(error.detail))
    headers = {"Retry-After": str(error.retry_after)}
    return _respond(error_body(error.detail), HTTPStatus.SERVICE_UNAVAILABLE, headers)


def _integrity_violation(error: IntegrityViolation) -> Response:
    message = integrity_error(error.constraint)
    request_log.set_log_message(f"[ERROR] {message}", level="ERROR")
    return _respond(error_body(message), HTTPStatus.BAD_REQUEST)


def _unexpected(error: Exception) -> Response:
    message = f"{type(error).__name__}: {error}"
    request_log.set_log_message(message, level="ERROR", cause=error)
    detail = f"Internal error (request {request_log.request_id()})"
    return _respond(error_body(detail), HTTPStatus.INTERNAL_SERVER_ERROR)


def _respond(
    body: dict[str, Any], status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error as JSON, or as a page for a browser that opens one."""
    show = current_app.extensions.get("error_page")
    if show is None or not browser.wants_html():
        return json_response(body, status, headers)
    response: Response = show(body["detail"], status, headers or {})
    return response
