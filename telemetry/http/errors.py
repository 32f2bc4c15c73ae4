"""The one shape of an error answer: ``{"detail": …}``, a text or a list of problems.

A problem is ``{"loc": ["body", "field", …], "msg": "…", "type": "…"}``. Views and
schemas raise, and this module answers. Two things it does not see: the bad records of a
batch, which ``payloads/batch.py``, ``audio_runtime/batch.py`` and ``audio_runtime/views.py``
list in its answer, and what gunicorn refuses, for which ``http/worker.py`` has the same shape.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypedDict

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from telemetry.database.errors import (
    DatabaseNotConfigured,
    DatabaseUnavailable,
    IntegrityViolation,
)
from telemetry.http import request_log
from telemetry.http.responses import json_response
from telemetry.persistence import PersistenceUnavailable

# Long enough for a restarting database, short enough that an agent still has its data.
RETRY_AFTER_SECONDS = 5


class Problem(TypedDict):
    """One thing that is wrong with a request, and where."""

    loc: list[str | int]
    msg: str
    type: str


class ApiError(Exception):
    """An answer other than success. ``log`` replaces the message of the request's log line."""

    def __init__(
        self,
        status: int,
        detail: Any,
        *,
        headers: Mapping[str, str] | None = None,
        log: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"detail": detail, **more}
        self.headers = dict(headers or {})
        self.log = log


class Invalid(ApiError):
    """422: every problem at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(HTTPStatus.UNPROCESSABLE_ENTITY, problems)
        self.problems = problems


def problem(loc: list[str | int], message: str, kind: str) -> Problem:
    """Return one problem in the contract's shape."""
    return {"loc": loc, "msg": message, "type": kind}


def init_app(app: Flask) -> None:
    """Register the handlers that turn every failure into an error answer."""
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DatabaseUnavailable, _database_unavailable)
    app.register_error_handler(DatabaseNotConfigured, _database_not_configured)
    app.register_error_handler(PersistenceUnavailable, _persistence_unavailable)
    app.register_error_handler(IntegrityViolation, _integrity_violation)
    app.register_error_handler(Exception, _unexpected)


def _api_error(error: ApiError) -> Response:
    if error.log:
        request_log.say(error.log, level="ERROR", cause=error.__cause__)
    return json_response(error.body, error.status, error.headers)


def _http_error(error: HTTPException) -> Response:
    headers = {}
    detail = error.description or error.name
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
        detail = f"This URL takes {headers['Allow']}"
    if isinstance(error, RequestEntityTooLarge):
        detail = "The body is larger than TELEMETRY_MAX_BODY_BYTES allows"
    return json_response({"detail": detail}, error.code or 500, headers)


def _database_unavailable(error: DatabaseUnavailable) -> Response:
    request_log.say(f"[ERROR] Database unavailable: {error}", level="ERROR")
    return json_response(
        {"detail": "The database is unavailable; the same request can be sent again"},
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _database_not_configured(error: DatabaseNotConfigured) -> Response:
    return json_response(
        {"detail": f"Not configured: {error}"},
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _persistence_unavailable(error: PersistenceUnavailable) -> Response:
    request_log.say(f"[ERROR] {error}", level="ERROR", cause=error.__cause__)
    return json_response(
        {"detail": str(error)},
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _integrity_violation(error: IntegrityViolation) -> Response:
    message = f"Database integrity error: {error.constraint}"
    request_log.say(f"[ERROR] {message}", level="ERROR")
    return json_response({"detail": message}, HTTPStatus.BAD_REQUEST)


def _unexpected(error: Exception) -> Response:
    request_log.say(f"[ERROR] {type(error).__name__}: {error}", level="ERROR", cause=error)
    return json_response(
        {"detail": f"Internal error (request {request_log.request_id()})"},
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
