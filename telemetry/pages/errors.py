"""Errors as pages, for browsers."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from telemetry.http.errors import ApiError
from telemetry.http.request_log import request_id
from telemetry.pages import render

TITLES = {
    400: "This request can't be used",
    401: "Not signed in",
    403: "Refused",
    404: "Not found",
    405: "Not possible",
    422: "This address can't be used",
    429: "Too many requests",
    500: "Something broke",
    503: "The service can't do this at the moment",
}


def not_found(detail: str) -> ApiError:
    """Return the error for something that does not exist."""
    return ApiError(404, detail)


def show(detail: Any, status: int, headers: Mapping[str, str]) -> Response:
    """Return the page of an error. ``detail`` is a text or a list of problems, as in the API."""
    problems = []
    if isinstance(detail, list):
        problems = [(str(it["loc"][-1]), it["msg"]) for it in detail]
        detail = "Some values can't be used:"
    retry = headers.get("Retry-After")
    # The browser asks again by itself, without a script. A form would be sent twice.
    again = {"Refresh": retry} if retry and request.method in ("GET", "HEAD") else {}
    return render.page(
        "error.html",
        status=status,
        headers={**headers, **again, "Cache-Control": "no-store"},
        title=TITLES.get(status, "This did not work"),
        text=detail,
        problems=problems,
        retry_after=retry if again else None,
        request_id=request_id(),
        status_code=status,
    )
