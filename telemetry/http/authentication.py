"""The Bearer token that every endpoint requires, except the health endpoints."""

import hmac

from flask import Flask, request

from telemetry.config import Config
from telemetry.http.errors import ApiError
from telemetry.http.health_paths import HEALTH_PATHS

USAGE = "Use: Authorization: Bearer <token>"


def init_app(app: Flask, config: Config) -> None:
    """Require the token of every request, when authentication is enabled."""
    if not config.auth_enabled or config.auth_token is None:
        return
    token = config.auth_token.encode()

    def require_token() -> None:
        if request.path not in HEALTH_PATHS:
            _check_token(request.headers.get("Authorization"), token)

    app.before_request(require_token)


def _check_token(header: str | None, token: bytes) -> None:
    if not header:
        raise _unauthorized(f"Authorization header required. {USAGE}")
    scheme, _, sent = header.partition(" ")
    if scheme.lower() != "bearer" or not sent.strip():
        raise _unauthorized(f"Invalid authorization format. {USAGE}")
    if not hmac.compare_digest(sent.strip().encode("utf-8", "surrogateescape"), token):
        raise _unauthorized("Invalid authentication token")


def _unauthorized(detail: str) -> ApiError:
    return ApiError(401, detail, headers={"WWW-Authenticate": "Bearer"})
