"""The HTTP side of the rate limit."""

import logging

from flask import Flask, Response, g, request

from telemetry.config import Config
from telemetry.http import request_log
from telemetry.http.errors import ApiError
from telemetry.http.health_paths import HEALTH_PATHS
from telemetry.rate_limit.store import HitStore

# The window, and so the Retry-After of a 429.
WINDOW_SECONDS = 60

# Scrapers and platforms poll these, and a scraper may share its address with the agents.
EXEMPT_PATHS = HEALTH_PATHS | {"/metrics"}

logger = logging.getLogger(__name__)


def init_app(app: Flask, config: Config, hits: HitStore) -> None:
    """Count each request before its token is checked: those that fail authentication count."""
    allowance = config.rate_limit_rpm

    def count_request() -> None:
        if request.path in EXEMPT_PATHS:
            return
        try:
            client = request_log.client()
            used = hits.hit(client.network)
        except Exception as error:
            # Whatever fails here, a request is worth more than its count.
            logger.warning("Rate limiter: %s: %s", type(error).__name__, error)
            return
        if used is None:
            request_log.set_log_message(
                f"Rate limit exceeded for IP: {client.address}", level="WARNING"
            )
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
