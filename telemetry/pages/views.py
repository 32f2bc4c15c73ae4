"""The routes of the pages; a module per page registers more of them."""

import re
from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app

from telemetry import __version__
from telemetry.database.errors import DatabaseNotConfigured
from telemetry.failures import Unavailable
from telemetry.http import browser, static_files
from telemetry.http.caller import needs, shows_pages
from telemetry.http.responses import json_response
from telemetry.pages import (
    devices,
    docs,
    overview,
    query,
    render,
    run_views,
    runtime,
    sign_in,
    status,
)
from telemetry.pages.errors import not_found
from telemetry.pages.event_store import EventPages
from telemetry.pages.extension import blueprint, pages
from telemetry.pages.live import overview_change, refreshing
from telemetry.pages.schema import OverviewSchema
from telemetry.pages.together import together
from telemetry.pages.window import Window

# The modules that register the routes of their pages when they are imported.
_registered = (run_views, runtime, devices, status, sign_in, docs)

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
FILES = ("telemetry.css", "telemetry.js", "icon.svg")

ENDPOINTS = 5
DEVICES = 6

overview_schema = OverviewSchema()


@blueprint.get("/")
@shows_pages
@refreshing(overview_change)
def show_overview() -> Response:
    """Return the overview, or the index of the API for a client that accepts only JSON."""
    if browser.wants_json_only():
        return _index()
    asked = query.read(overview_schema)
    now = datetime.now(UTC)
    window = query.window(asked, now)
    filters = {name: asked.values[name] for name in ("agent_name", "environment")}
    shown: dict[str, Any] = {"agents": [], "environments": []}
    has_runs = current_app.extensions["persistence"].agent_runs.kind != "none"
    if not asked.errors and has_runs:
        limit = overview.ALL_AGENTS if asked.values["agents"] else overview.AGENTS
        shown = _collect(overview.Asked(window, **filters, agents=limit), now)
    elif not asked.errors:
        shown |= {"endpoints": _without_runs(pages().events, window)}
    return render.page(
        "overview.html",
        status=asked.status,
        asked=asked,
        window=window,
        filters=filters,
        has_runs=has_runs,
        of_window={**filters, **window.filters},
        **shown,
    )


@blueprint.get("/static/<name>")
@needs()
def static(name: str) -> Response:
    """Return a static file. Its URL changes with its content, so a browser may keep it."""
    if name not in FILES:
        raise not_found("There is no such file")
    content_type = TYPES.get(name.rpartition(".")[2], "image/svg+xml")
    return static_files.send_versioned(
        render.static(name), content_type, render.HEADERS, scope="public"
    )


def _index() -> Response:
    """Return where programs find what."""
    paths = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in current_app.url_map.iter_rules()
        if rule.rule.startswith(browser.API_PATHS)
    }
    body = {"service": "telemetry", "version": __version__, "paths": sorted(paths)}
    return json_response(body, headers={"Vary": "Accept"})


def _collect(asked: overview.Asked, now: datetime) -> dict[str, Any]:
    """Return what the panels show."""
    these = pages()
    read = together(
        endpoints=lambda: _endpoints(these.events, asked.window),
        **overview.readers(these.runs, asked),
    )
    return {
        **overview.collect(these.runs, asked, read, now),
        "endpoints": read["endpoints"],
        "devices": these.devices.attention(DEVICES),
    }


def _without_runs(events: EventPages | None, window: Window) -> Any:
    """Return the endpoints, which is all that can be shown. Raises DatabaseNotConfigured."""
    if events is None:
        raise DatabaseNotConfigured(current_app.extensions["persistence"].agent_runs.note)
    return _endpoints(events, window)


def _endpoints(events: EventPages | None, window: Window) -> Any:
    """Return the endpoints with the most errors, and the slowest; None without runtime events.

    Runs and devices are shown even while the database of the events is away.
    """
    if events is None:
        return None
    try:
        rows = events.endpoints(window.of_events(None), ENDPOINTS, slow_limit=ENDPOINTS)
    except Unavailable as error:
        return {"failure": error.detail}
    slowest = sorted(rows, key=lambda row: row["slow_place"])
    return {
        "count": rows[0]["endpoints"] if rows else 0,
        "with errors": [row for row in rows if row["errors"] and row["place"] <= ENDPOINTS],
        "slowest": slowest[:ENDPOINTS],
    }
