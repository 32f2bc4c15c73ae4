"""The Bearer token of every endpoint but the health pages."""

import hmac

from flask import Flask, request

from telemetry.config import Config
from telemetry.http.errors import ApiError

# Platforms and load balancers poll these without a token and as often as they like.
OPEN_PATHS = frozenset({"/health", "/api/health", "/api/ready", "/api/health/persistence"})

USAGE = "Use: Authorization: Bearer <token>"


def init_app(app: Flask, config: Config) -> None:
    """Ask for the token before each request, when authentication is enabled."""
    if not config.auth_enabled or config.auth_token is None:
        return
    token = config.auth_token.encode()

    def require_token() -> None:
        if request.path not in OPEN_PATHS:
            _check(request.headers.get("Authorization"), token)

    app.before_request(require_token)


def _check(header: str | None, token: bytes) -> None:
    if not header:
        raise _refusal(f"Authorization header required. {USAGE}")
    scheme, _, sent = header.partition(" ")
    if scheme.lower() != "bearer" or not sent.strip():
        raise _refusal(f"Invalid authorization format. {USAGE}")
    if not hmac.compare_digest(sent.strip().encode("utf-8", "surrogateescape"), token):
        raise _refusal("Invalid authentication token")


def _refusal(detail: str) -> ApiError:
    return ApiError(401, detail, headers={"WWW-Authenticate": "Bearer"})
