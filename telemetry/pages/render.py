"""From a template to a response, with the headers that every page has."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, current_app, g, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from telemetry import __version__
from telemetry.http import browser, static_files
from telemetry.pages import formats, words
from telemetry.pages.states import STATES
from telemetry.pages.window import RANGES
from telemetry.persistence import Backend, Persistence
from telemetry.runs.schema import STATUSES

FOLDER = Path(__file__).parent

HEADERS = {
    # Nothing from another host, nothing inline: a value that escapes a template can run nothing.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Other hosts learn no address: it holds names. no-referrer would hide the Origin of forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# A page may be kept, but only shown again when the service says that it is unchanged.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding, Cookie"}

# A title holds at most this much of a text: a page has many, and an error may have megabytes.
MAX_TITLE = 600

# An id has at most this much in the page, is never cut up to this, and keeps this much of its end.
MAX_ID = 120
UNCUT_ID = 18
ID_TAIL = 8


def page(
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """Return a page. Its template gets ``values``, and the time as ``now``."""
    text = (
        _environment()
        .get_template(template)
        .render(now=datetime.now(UTC), path=request.path, **_frame(status), **values)
    )
    return html(text, status, headers)


def html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return HTML with the headers of every page, compressed where the browser accepts it."""
    response = Response(
        compress(text.encode()), status, HEADERS, content_type="text/html; charset=utf-8"
    )
    response.headers.update(CACHING)
    if static_files.accepts_gzip():
        response.headers["Content-Encoding"] = "gzip"
    response.headers.update(headers or {})
    return response


def compress(body: bytes) -> bytes:
    """Return the body as this browser gets it. Level 4 is within 3 % of 9 on these pages."""
    return gzip.compress(body, 4, mtime=0) if static_files.accepts_gzip() else body


@cache
def static(name: str) -> bytes:
    """Return a static file."""
    return (FOLDER / "static" / name).read_bytes()


def static_url(name: str) -> str:
    """Return the URL of a static file. A browser may keep it for ever."""
    return f"/static/{name}?v={static_files.version(static(name))}"


def url(path: str, **query: Any) -> str:
    """Return a URL of this host. Query parameters that are None are left out."""
    sent = {name: _text(value) for name, value in query.items() if value is not None}
    return quote(path, safe=browser.PATH_CHARACTERS) + (f"?{urlencode(sent)}" if sent else "")


def here(**changes: Any) -> str:
    """Return the URL of this page with some query parameters changed, or removed by None."""
    return url(request.path, **{**request.args.to_dict(), **changes})


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return formats.exact(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def time_tag(value: datetime | str | None, now: datetime) -> Markup:
    """Return ``12 s ago`` with the exact time on hover, which the script keeps up to date."""
    moment = formats.as_time(value)
    if moment is None:
        return Markup.escape(value or formats.NOTHING)
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        formats.exact(moment), formats.moment(moment), formats.ago(moment, now)
    )


def clock_tag(value: datetime | str | None, form: str = "%H:%M") -> Markup:
    """Return a time of the day with the exact time on hover."""
    moment = formats.as_time(value)
    if moment is None:
        return Markup.escape(value or formats.NOTHING)
    moment = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        formats.exact(moment), formats.moment(moment), moment.strftime(form)
    )


def cut_tag(text: Any, length: int, *, middle: bool = False) -> Markup:
    """Return a text that is cut where it is long, with the whole of it on hover."""
    if text is None:
        return Markup.escape(formats.NOTHING)
    text = formats.visible(str(text))
    short = (formats.cut_middle if middle else formats.cut)(text, length)
    if short == text:
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup('<bdi title="{}">{}</bdi>').format(formats.cut(text, MAX_TITLE), short)


def split_tag(text: Any) -> Markup:
    """Return an id that the style sheet cuts in its middle where its place is too narrow."""
    text = formats.visible(str(text))
    short = formats.cut_middle(text, MAX_ID)
    if len(short) <= UNCUT_ID:
        return Markup("<bdi>{}</bdi>").format(short)
    return Markup('<bdi class="split" title="{}"><span>{}</span><span>{}</span></bdi>').format(
        formats.cut(text, MAX_TITLE), short[:-ID_TAIL], short[-ID_TAIL:]
    )


def _frame(status: int) -> dict[str, Any]:
    """Return what the layout shows around every page."""
    return {
        "backend": _main_backend(current_app.extensions["persistence"]),
        "signed_in": current_app.extensions["config"].auth_enabled
        and request.path != browser.SIGN_IN_PATH,
        "version": __version__,
        # An error does not refresh: it has no panels to compare.
        "etag": g.get("page_etag") if status == 200 else None,
    }


def _main_backend(persistence: Persistence) -> Backend:
    """Return where the data is: that of runs, else that of runtime events."""
    has_runs = persistence.agent_runs.kind != "none"
    return persistence.agent_runs if has_runs else persistence.runtime_events


def _finalize(value: Any) -> Any:
    """Show what a text hides. Jinja calls it for every value that a template writes."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return formats.visible(value)
    return value


def clock_text(value: datetime | str | None) -> str:
    """Return a time as text; one that no calendar has unchanged."""
    moment = formats.as_time(value)
    return formats.moment(moment) if moment else str(value)


FILTERS = {
    "number": formats.number,
    "duration": formats.duration,
    "moment": formats.moment,
    "money": formats.money,
    "size": formats.size,
    "ago": time_tag,
    "clock": clock_tag,
    "clock_text": clock_text,
    "cut": cut_tag,
    "split": split_tag,
    "plain": formats.cut,
    # The value of a form's field: it is sent back, so nothing in it may be replaced.
    "as_sent": Markup.escape,
    "before": words.just_before,
    "device_time": words.device_time,
    "troubles": words.troubles,
    "flags": words.flags,
    "health_state": words.health_state,
    "measure": words.measure,
    "scalar": words.scalar,
}
GLOBALS = {
    "url": url,
    "here": here,
    "static_url": static_url,
    "percent": formats.percent,
    "ranges": RANGES,
    "states": STATES,
    "statuses": STATUSES,
    "post_run": words.post_run,
    "post_event": words.post_event,
    "put_device": words.put_device,
    "append_event": words.append_event,
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(GLOBALS)
    return environment
