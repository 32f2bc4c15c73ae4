"""The Bearer token that every endpoint requires, except the health endpoints.

A person in a browser signs in with it once and then has a cookie (``browser.py``).
"""

import hmac
from urllib.parse import quote

from flask import Flask, Response, request

from telemetry.config import Config
from telemetry.http import browser
from telemetry.http.errors import ApiError
from telemetry.http.health_paths import HEALTH_PATHS

USAGE = "Use: Authorization: Bearer <token>"


def init_app(app: Flask, config: Config) -> None:
    """Require the token of every request, when authentication is enabled."""
    if not config.auth_enabled or config.auth_token is None:
        return
    token = config.auth_token

    def require_token() -> Response | None:
        if request.path in HEALTH_PATHS:
            return None
        header = request.headers.get("Authorization")
        # A proxy may ask people for a password of its own, which browsers then send here too.
        if not _is_bearer(header):
            if browser.is_signed_in(token) or _is_open(request.path):
                return None
            if browser.wants_html():
                return _to_sign_in()
        _check_token(header, token.encode())
        return None

    app.before_request(require_token)


def _is_bearer(header: str | None) -> bool:
    return header is not None and header.partition(" ")[0].lower() == "bearer"


def _is_open(path: str) -> bool:
    is_of_sign_in = path in (browser.SIGN_IN_PATH, browser.SIGN_OUT_PATH)
    return is_of_sign_in or path.startswith(browser.STATIC_PATH)


def _to_sign_in() -> Response:
    """Send a browser to the page where a person signs in, which leads back here.

    The path of a form can be opened as a page too.
    """
    response = Response(status=303)
    response.headers["Location"] = (
        f"{browser.SIGN_IN_PATH}?next={quote(browser.address(), safe='')}"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


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
