"""What a browser asks for, and what it proves: pages instead of JSON, and a signed-in person.

A person signs in once with a token and gets a cookie. It holds no token, only the name of one, a
time, and a signature under a key that is derived from the token of the environment: with a new one
every cookie is invalid. So is a cookie whose own token is no longer valid.
Flask's own session is not used, because opening it costs 14 to 20 % of a create, on every request.
"""

import hashlib
from urllib.parse import quote, urlsplit

from flask import Response, request
from itsdangerous import BadSignature, TimestampSigner

COOKIE = "telemetry"
COOKIE_SECONDS = 12 * 3600

# What a cookie says of who signed in: with the token of the environment, or one of a name.
ENVIRONMENT = "person"
NAMED = "token:"

# Programs read these. A browser that opens one gets what programs get, errors too.
API_PATHS = ("/api/", "/health", "/metrics", "/openapi.json", "/version")

# What a browser needs to show the page on which a person signs in. Signing out needs no token: an
# expired cookie goes too.
SIGN_IN_PATH = "/sign-in"
SIGN_OUT_PATH = "/sign-out"
STATIC_PATH = "/static/"

# A longer address does not fit a header after it is quoted once more.
MAX_ADDRESS = 2000

# Characters that a path may have unquoted (RFC 3986).
PATH_CHARACTERS = "/:@!$&'()*+,;=~"


def wants_html() -> bool:
    """Return whether a browser opens a page, so that an error has to be one too."""
    if request.path.startswith(API_PATHS):
        return False
    accepted = request.accept_mimetypes
    # A program that accepts everything did not ask for a page.
    is_named = any(name == "text/html" for name, _ in accepted)
    return is_named and accepted.quality("text/html") >= accepted.quality("application/json")


def address() -> str:
    """Return the path and the query string of the request; ``/`` when they are too long."""
    query = request.query_string.decode("ascii", "replace")
    found = quote(request.path, safe=PATH_CHARACTERS) + (f"?{query}" if query else "")
    return found if len(found) <= MAX_ADDRESS else "/"


def wants_json_only() -> bool:
    """Return whether the client accepts JSON and no page."""
    accepted = request.accept_mimetypes
    return accepted.quality("application/json") > 0 and not accepted.quality("text/html")


def is_own_page() -> bool:
    """Return whether one of this host's own pages sent this form.

    Browsers say so in Sec-Fetch-Site where the connection is secure, and in Origin everywhere. A
    form of another site can't change either, so this needs no token in the form and no session.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    try:
        return bool(origin) and urlsplit(origin).netloc == request.host
    except ValueError:
        return False


def named_in_cookie() -> str | None:
    """Return the name of the token that a cookie claims; empty for that of the environment.

    None without a cookie. Whether the claim is true, is_signed_in says.
    """
    claim = request.cookies.get(COOKIE, "").rsplit(".", 2)[0]
    if claim.startswith(NAMED):
        return claim.removeprefix(NAMED)
    return "" if claim == ENVIRONMENT else None


def is_signed_in(key: str) -> bool:
    """Return whether the request has a valid cookie, and may use it for what it asks.

    A request that changes something must also come from a page of this host.
    """
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return False
    try:
        _signer(key).unsign(cookie, max_age=COOKIE_SECONDS)
    except BadSignature:
        return False
    return request.method in ("GET", "HEAD") or is_own_page()


def sign_in(response: Response, key: str, name: str) -> None:
    """Set the cookie; ``name`` is that of the token, empty for that of the environment."""
    value = _signer(key).sign(f"{NAMED}{name}" if name else ENVIRONMENT).decode()
    response.set_cookie(
        COOKIE,
        value,
        max_age=COOKIE_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def sign_out(response: Response) -> None:
    """Remove the cookie."""
    response.delete_cookie(COOKIE, secure=request.is_secure, httponly=True, samesite="Lax")


def _signer(key: str) -> TimestampSigner:
    return TimestampSigner(
        key, salt="telemetry sign-in", key_derivation="hmac", digest_method=hashlib.sha256
    )
