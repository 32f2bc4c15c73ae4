"""One log line a request, with its id; the routes say what happened, this module writes it."""

import logging
import re
from os import urandom
from time import perf_counter
from typing import Any

from flask import Flask, Request, Response, g, has_request_context, request

logger = logging.getLogger("telemetry.request")

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def init_app(app: Flask) -> None:
    """Give every request an id before anything else, and a log line after everything else."""
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str:
    """Return the id of the request being answered: the caller's, when it sent a sane one."""
    return str(g.request_id)


def say(message: str, *, level: str = "INFO", cause: BaseException | None = None) -> None:
    """Set the message of this request's log line; ``cause`` is logged with its traceback."""
    if has_request_context():
        g.said = message, level, cause


def _begin() -> None:
    this, sent = _this()
    this.started = perf_counter()
    name = sent.environ.get("HTTP_X_REQUEST_ID", "")
    this.request_id = name if _SANE_ID.fullmatch(name) else urandom(16).hex()


def _end(response: Response) -> Response:
    this, sent = _this()
    response.headers["X-Request-ID"] = this.request_id
    message, level_name, cause = this.get("said", ("", "INFO", None))
    level = logging.getLevelName(level_name)
    if not logger.isEnabledFor(level):
        return response
    text = message or f"{sent.method} {sent.path} {response.status_code}"
    # Made here, not by the logger, which would look for the line of code that speaks.
    make = logging.getLogRecordFactory()
    record = make(logger.name, level, __file__, 0, text, (), _exc_info(cause))
    vars(record).update(
        request_id=this.request_id,
        method=sent.method,
        path=sent.path,
        status=response.status_code,
        duration_ms=round((perf_counter() - this.started) * 1000, 1),
        client=sent.remote_addr,
    )
    logger.handle(record)
    return response


def _exc_info(cause: BaseException | None) -> Any:
    return None if cause is None else (type(cause), cause, cause.__traceback__)


def _this() -> tuple[Any, Request]:
    """Return g and the request themselves: the way through their proxies takes longer than use."""
    # To mypy the proxies are what they stand for.
    return g._get_current_object(), request._get_current_object()  # type: ignore[attr-defined]
