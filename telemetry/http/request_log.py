"""One log line per request, with its id. Views set its message; this module writes it."""

import logging
from functools import partial
from time import perf_counter
from typing import Any, cast

from flask import Flask, Request, Response, g, has_request_context, request

from telemetry.http import measures, request_ids
from telemetry.http.client_address import Client, client_of
from telemetry.http.health_paths import HEALTH_PATHS

logger = logging.getLogger("telemetry.request")

# The status and the reason of the last response, by health path.
Responses = dict[str, tuple[int, str]]


def init_app(app: Flask) -> None:
    """Give every request an id and a client first of all, and a log line last of all."""
    app.before_request(_start)
    last_responses: Responses = {}
    app.after_request(partial(_finish, last_responses))


def request_id() -> str:
    """Return the id of the current request: the caller's, when it sent a valid one."""
    return str(g.request_id)


def client() -> Client:
    """Return who sent the current request."""
    return cast(Client, g.client)


def set_log_message(
    message: str, *, level: str = "INFO", cause: BaseException | None = None
) -> None:
    """Set the message of this request's log line; ``cause`` is logged with its traceback.

    Does nothing outside a request.
    """
    if has_request_context():
        g.log_message = message, "", level, cause


def set_log_reason(reason: str, *, level: str = "INFO") -> None:
    """Add a reason to this request's usual log line, unless a message of its own is set."""
    if "log_message" not in g:
        g.log_message = "", reason, level, None


def set_token(name: str) -> None:
    """Set the name of the token that this request was sent with, for its log line."""
    g.token_name = name


def _start() -> None:
    this, sent = _unwrapped()
    this.started = perf_counter()
    this.client = client_of(sent.environ)
    name = sent.environ.get("HTTP_X_REQUEST_ID", "")
    this.request_id = name if request_ids.is_valid(name) else request_ids.new_id()


def _finish(last_responses: Responses, response: Response) -> Response:
    this, sent = _unwrapped()
    response.headers["X-Request-ID"] = this.request_id
    seconds = perf_counter() - this.started
    measures.observe(sent, response.status_code, seconds)
    message, reason, level_name, cause = this.get("log_message", ("", "", "INFO", None))
    level = logging.getLevelName(level_name)
    is_poll = sent.path in HEALTH_PATHS
    if is_poll and _is_repeated(last_responses, sent.path, response, reason) and cause is None:
        level = logging.DEBUG
    if not logger.isEnabledFor(level):
        return response
    text = message or _usual_text(sent, response, reason)
    # The logger's own methods would search the stack for the line of code that logs.
    make = logging.getLogRecordFactory()
    record = make(logger.name, level, __file__, 0, text, (), _exc_info(cause))
    vars(record).update(
        request_id=this.request_id,
        method=sent.method,
        path=sent.path,
        status=response.status_code,
        duration_ms=round(seconds * 1000, 1),
        client=this.client.address,
    )
    if name := this.get("token_name"):
        record.token = name
    logger.handle(record)
    return response


def _usual_text(sent: Request, response: Response, reason: str) -> str:
    text = f"{sent.method} {sent.path} {response.status_code}"
    return f"{text}: {reason}" if reason else text


def _is_repeated(last_responses: Responses, path: str, response: Response, reason: str) -> bool:
    """Return whether the last response of a health path was the same. Pollers ask every second."""
    this = response.status_code, reason
    repeated = last_responses.get(path) == this
    last_responses[path] = this
    return repeated


def _exc_info(cause: BaseException | None) -> Any:
    return None if cause is None else (type(cause), cause, cause.__traceback__)


def _unwrapped() -> tuple[Any, Request]:
    """Return ``g`` and the request without their proxies, which cost more than what follows."""
    # To mypy the proxies are the objects themselves.
    return g._get_current_object(), request._get_current_object()  # type: ignore[attr-defined]
