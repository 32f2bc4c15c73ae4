"""The page on which a person signs in with a token, where one is required."""

from typing import cast
from urllib.parse import parse_qs

from flask import Response, current_app, request

from telemetry.http import browser, request_log
from telemetry.http.authentication import Authentication
from telemetry.http.caller import PAGES, needs
from telemetry.pages import render
from telemetry.pages.extension import blueprint, pages
from telemetry.payloads.body import read_body

FORM = "application/x-www-form-urlencoded"

# A form has two short fields. Everyone may send one, so it must cost little to read.
MAX_FORM_BYTES = 16 * 1024
MAX_FIELDS = 10

# How long a person waits after too many attempts.
WINDOW_SECONDS = 60


@blueprint.get("/sign-in")
@needs()
def show_sign_in() -> Response:
    """Return the form. Without authentication there is nothing to sign in to."""
    if _authentication() is None:
        return _redirect("/")
    return _form(request.args.get("next", "/"))


@blueprint.post("/sign-in")
@needs()
def sign_in() -> Response:
    """Give the browser a cookie for a token that may see every page.

    Only the form of this host is accepted: another site could sign a person in as someone else.
    """
    authentication = _authentication()
    if authentication is None:
        return _redirect("/")
    if not browser.is_own_page():
        return _form("/", "Sign in on this page, not from another one", 403)
    if pages().attempts.hit(f"sign-in {request_log.client().network}") is None:
        request_log.set_log_message("Sign-in refused: too many attempts", level="WARNING")
        return _form("/", "Too many attempts. Wait a minute", 429)
    tried, following = _read_form()
    found = authentication.find(tried.encode())
    if found is None:
        why = authentication.why_not(tried.encode()) or "wrong token"
        request_log.set_log_message(f"Sign-in refused: {why}", level="WARNING")
        return _form(following, "This is not the token", 401)
    request_log.set_token(found.name)
    if lack := found.lacks(PAGES):
        request_log.set_log_message(f"Sign-in refused: {lack}", level="WARNING")
        return _form(following, f"This token does not open the pages. {lack}", 403)
    response = _redirect(following if is_local(following) else "/")
    authentication.sign_in(response, found)
    return response


@blueprint.post("/sign-out")
@needs()
def sign_out() -> Response:
    """Remove the cookie from this browser. A copy of it stays valid until it expires."""
    if not browser.is_own_page():
        return _redirect("/")
    response = _redirect("/sign-in")
    browser.sign_out(response)
    return response


def is_local(url: str) -> bool:
    """Return whether a URL is a path of this host, so that a link can't lead to another one.

    Browsers read a backslash as a slash, and leave out control characters.
    """
    is_path = url.startswith("/") and not url.startswith("//")
    return is_path and "\\" not in url and url.isprintable() and url.isascii()


def _read_form() -> tuple[str, str]:
    """Return the token and the path that the form sent; empty ones for a form of another shape."""
    text = read_body(FORM, limit=MAX_FORM_BYTES)[1].decode("utf-8", "replace")
    try:
        sent = parse_qs(text, max_num_fields=MAX_FIELDS)
    except ValueError:
        sent = {}
    return sent.get("token", [""])[0].strip(), sent.get("next", ["/"])[0]


def _authentication() -> Authentication | None:
    return cast(Authentication | None, current_app.extensions.get("authentication"))


def _form(following: str, message: str | None = None, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        headers["Retry-After"] = str(WINDOW_SECONDS)
    errors = {"token": message} if message else {}
    return render.page(
        "sign_in.html",
        status=status,
        headers=headers,
        errors=errors,
        following=following if is_local(following) else "/",
    )


def _redirect(path: str) -> Response:
    response = Response(status=303, headers=render.HEADERS)
    response.headers["Location"] = path
    response.headers["Cache-Control"] = "no-store"
    return response
