"""The Bearer token that every endpoint requires, except the health endpoints.

It is the token of the environment, which may do everything, or one of the database, with scopes.
A person in a browser signs in with one and then has a cookie (``browser.py``).
"""

import hmac
from typing import Protocol
from urllib.parse import quote

from flask import Flask, Request, Response, g, request

from telemetry.config import Config
from telemetry.http import browser
from telemetry.http.caller import EVERYONE, Caller, Need, needs_of, set_caller
from telemetry.http.errors import ApiError
from telemetry.http.health_paths import HEALTH_PATHS
from telemetry.http.request_log import set_log_reason, set_token

USAGE = "Use: Authorization: Bearer <token>"


class Tokens(Protocol):
    """The tokens of the database. Both methods raise Unavailable while they cannot be read."""

    def find(self, sent: bytes) -> Caller | None:
        """Return the token that was sent, or None."""

    def named(self, name: str) -> Caller | None:
        """Return the token of this name, or None."""

    def ended(self, sent: bytes) -> tuple[str, str] | None:
        """Return the name of a token that has ended, and how, for the log. Raises nothing."""


class Authentication:
    """Finds out who sends a request. ``tokens`` is None where there is no database."""

    def __init__(self, token: str, tokens: Tokens | None) -> None:
        self._text = token
        self._token = token.encode()
        self._tokens = tokens

    def find(self, sent: bytes) -> Caller | None:
        """Return the caller that has this token, or None. Raises Unavailable."""
        if hmac.compare_digest(sent, self._token):
            return EVERYONE
        return self._tokens.find(sent) if self._tokens else None

    def why_not(self, sent: bytes) -> str | None:
        """Return for the log why a token that was found before is not valid; None for any other.

        The name is set as that of the request's token.
        """
        ended = self._tokens.ended(sent) if self._tokens else None
        if ended is None:
            return None
        set_token(ended[0])
        return f"the token {ended[0]} is {ended[1]}"

    def signed_in(self) -> Caller | None:
        """Return who signed in, when the request has a valid cookie. Raises Unavailable."""
        name = browser.named_in_cookie()
        if name is None:
            return None
        found = EVERYONE
        if name:
            known = self._tokens.named(name) if self._tokens else None
            if known is None:
                return None
            found = known
        return found if browser.is_signed_in(self._key(found)) else None

    def sign_in(self, response: Response, found: Caller) -> None:
        """Set the cookie of a person who signs in as this caller."""
        browser.sign_in(response, self._key(found), found.name)

    def _key(self, found: Caller) -> str:
        """Return the key of the cookie's signature. It takes more than the hash to make one."""
        return self._text + found.hash.hex()


def init_app(app: Flask, config: Config, tokens: Tokens | None) -> None:
    """Require a token of every request, when authentication is enabled."""
    if not config.auth_enabled or config.auth_token is None:
        app.before_request(_let_everyone)
        return
    authentication = Authentication(config.auth_token, tokens)
    app.extensions["authentication"] = authentication
    declared: dict[str, Need] = {}

    def require_token() -> Response | None:
        # Each access through Flask's proxy would cost more than the look-up. To mypy the proxy is a
        # plain Request.
        this: Request = request._get_current_object()  # type: ignore[attr-defined]
        if this.path in HEALTH_PATHS:
            return None
        header = this.environ.get("HTTP_AUTHORIZATION")
        # A proxy may ask people for a password of its own, which browsers then send here too.
        if not _is_bearer(header):
            if _is_open(this.path):
                return None
            if found := authentication.signed_in():
                set_caller(found, declared, this)
                return None
            if browser.wants_html():
                return _to_sign_in()
        set_caller(_check_token(header, authentication), declared, this)
        return None

    app.before_request(require_token)
    app.extensions["declare_needs"] = lambda: declared.update(needs_of(app))


def _let_everyone() -> None:
    g.caller = EVERYONE


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


def _check_token(header: str | None, authentication: Authentication) -> Caller:
    if not header:
        raise _unauthorized(f"Authorization header required. {USAGE}")
    scheme, _, sent = header.partition(" ")
    if scheme.lower() != "bearer" or not sent.strip():
        raise _unauthorized(f"Invalid authorization format. {USAGE}")
    text = sent.strip().encode("utf-8", "surrogateescape")
    found = authentication.find(text)
    if found is None:
        if reason := authentication.why_not(text):
            set_log_reason(reason, level="WARNING")
        raise _unauthorized("Invalid authentication token")
    return found


def _unauthorized(detail: str) -> ApiError:
    return ApiError(401, detail, headers={"WWW-Authenticate": "Bearer"})
