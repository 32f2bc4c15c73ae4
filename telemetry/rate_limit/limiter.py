"""The HTTP side of the rate limit."""

import logging

from flask import Flask, Response, g, request

from telemetry.config import Config
from telemetry.database.errors import DatabaseUnavailable
from telemetry.http.authentication import HEALTH_PATHS
from telemetry.http.errors import ApiError
from telemetry.http.request_log import set_log_message
from telemetry.rate_limit.store import HitStore

# The window, and so the Retry-After of a 429.
WINDOW_SECONDS = 60

logger = logging.getLogger(__name__)


def init_app(app: Flask, config: Config, hits: HitStore) -> None:
    """Count each request before its token is checked: those that fail authentication count."""
    allowance = config.rate_limit_rpm

    def count_request() -> None:
        if request.path in HEALTH_PATHS:
            return
        client = request.remote_addr or "unknown"
        try:
            used = hits.hit(client)
        except DatabaseUnavailable as error:
            logger.warning("[ERROR] Rate limiter: %s", error)
            return
        if used is None:
            set_log_message(f"Rate limit exceeded for IP: {client}", level="WARNING")
            raise ApiError(
                429,
                f"Rate limit exceeded. Max {allowance} requests per minute.",
                headers={"Retry-After": str(WINDOW_SECONDS), **_headers(allowance, 0)},
            )
        g.rate_limit_remaining = max(0, allowance - used)

    def add_headers(response: Response) -> Response:
        if "rate_limit_remaining" in g:
            response.headers.update(_headers(allowance, g.rate_limit_remaining))
        return response

    app.before_request(count_request)
    app.after_request(add_headers)


def _headers(allowance: int, remaining: int) -> dict[str, str]:
    return {"X-RateLimit-Limit": str(allowance), "X-RateLimit-Remaining": str(remaining)}
